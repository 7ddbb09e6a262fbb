// A range test of the digits' network, trained here in the page. What it suggests was computed by lrlib.
"use strict";

(() => {
  const SEEDS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const LOSSES = [0, 4]; // that are drawn; what is above leaves at the top
  const short = (rate) => rate.toPrecision(2);

  const suggested = ({ seeds }) => seeds.map(({ rate }) => rate).filter(Boolean);
  const upright = (rate) => LOSSES.map((loss) => [rate, loss]);

  function summary(sweep, seed) {
    const { rate, reason } = sweep.seeds[seed];
    const found = suggested(sweep);
    const spread = `Of the ten seeds ${found.length === SEEDS.length ? "all" : found.length} get a rate, from ${short(Math.min(...found))} to ${short(Math.max(...found))}.`;
    const one = rate ? `The loss falls most steeply at ${short(rate)}` : `The curve supports no rate: ${reason}`;
    return `Seed ${seed}, ${sweep.rates.length} updates. ${one}. ${spread}`;
  }

  // `losses`: of the sweep that is trained here, as far as it has come. Gives what it shows, in words.
  function draw(chart, sweep, seed, losses) {
    const { rates, seeds } = sweep;
    const { rate, smoothed } = seeds[seed];
    const found = suggested(sweep);
    const [low, high] = [Math.min(...found), Math.max(...found)];
    const words = summary(sweep, seed);
    chart.draw({
      series: [
        { points: [[low, LOSSES[0]], [high, LOSSES[0]]], upper: [LOSSES[1], LOSSES[1]], style: "band series-2" },
        { points: losses.map((loss, t) => [rates[t], loss]), style: "thin series-1" },
        { points: smoothed, style: "series-1" },
        ...(rate ? [{ points: upright(rate), style: "series-2" }] : []),
      ],
      x: "learning rate",
      y: "training loss",
      logX: true,
      span: { x: [rates[0], rates.at(-1)], y: LOSSES },
      label: `Training loss against the learning rate. ${words}`,
    });
    return words;
  }

  // `sweeps`: of each length [{ rates, seeds: [{ rate, reason, smoothed }, …] }, …].
  demonstration("range_test", (panel, { rule, sweeps }) => {
    panel.open(
      "Train the digits’ network, of 64 inputs and 32 hidden units, for some updates while its rate rises from 0.001 to 10, " +
        "and see which rate its loss suggests.",
    );
    const lengths = sweeps.map(({ rates }) => rates.length);
    const seed = panel.slider({ label: "Seed", values: SEEDS, start: 5, text: String });
    const length = panel.slider({ label: "Updates of the sweep", values: lengths, start: lengths.at(-1), text: String });
    const chart = panel.chart({
      "thin series-1": "loss of each batch, trained here",
      "series-1": "smoothed by lrlib",
      "series-2": "lrlib’s suggestion",
      "band series-2": "ten seeds’ suggestions",
    });
    let losses = []; // of the sweep that is shown, as far as it has come

    const sweep = () => sweeps.find(({ rates }) => rates.length === length.value);
    const origin = `The rule is lrlib’s “${rule}”, applied when this book was built, to the same sweep in PyTorch.`;
    const said = () => {
      const words = draw(chart, sweep(), seed.value, losses);
      panel.say(`${words} ${origin}${losses.length ? " The thin line is your own run." : ""}`);
    };

    const { stop } = panel.trainButton("Run the sweep", async (train) => {
      losses = [];
      await train({ rates: sweep().rates, momentum: 0, seeds: [seed.value] }, (progress) => {
        losses.push(...progress.losses[0]);
        draw(chart, sweep(), seed.value, losses);
      });
      said();
    });
    return () => {
      stop();
      losses = [];
      said();
    };
  });
})();
