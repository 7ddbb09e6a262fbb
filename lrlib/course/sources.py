"""The sources of the claims, by the names under which the tables list them, in the order of the tables."""

PAPERS = "papers"
MCMENAMIN = "McMenamin"
KRISHNAN = "Krishnan"
MHMOODLAN = "mhmoodlan"
DL_WIZARD = "DL Wizard"
KERAS_READING = "Lau / IBM"
OUR_READING = "our reading"

SOURCES = {
    PAPERS: "papers on schedules (CLR and SGDR 2017, one-cycle 2018, budgeted training 2020, REX 2022), on small tasks",
    MCMENAMIN: "Q-AGREL on digits, constant against “cyclical” (hebbnets, B. McMenamin, 2019)",
    KRISHNAN: "cyclical rates and the range test on an MNIST subset (B. Krishnan, 2020)",
    MHMOODLAN: "cyclic learning rate for TensorFlow (mhmoodlan, 2019)",
    DL_WIZARD: "step decay and reduce-on-plateau on MNIST (Deep Learning Wizard)",
    KERAS_READING: "four decays in Keras (IBM reading, after S. Lau, 2017)",
    OUR_READING: "what papers say of why schedules work, in our words: read in part, so never quoted (batch size: "
    "Goyal 2017, Smith 2018, Malladi 2022; label noise: You 2019; the river valley: Wen 2024; "
    "an unknown budget: Hägele 2024, Tian 2026, Attia 2025; weight decay: Naganuma 2026; "
    "laws that foretell a loss curve: Tissue 2024, Luo 2025, Li 2025)",
}
