"""Files: taken in with limits, confined to a folder, put out whole or not at all."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from graphnn.diagnostics import FileError, Source, Span
from graphnn.storage import files

SPAN = Span(Source("net.yaml", "weights: {file: w.npz}\n"), 1, 17, 1, 22)


def refused(function, *arguments):
    with pytest.raises(FileError) as caught:
        function(*arguments)
    (found,) = caught.value.diagnostics
    return found.code, found.message, found.help


def test_content_up_to_the_limit(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert files.read_bytes(path, 5) == b"12345"
    expected = ("file-too-large", f"'{path}' is larger than 3.8147e-06 MiB", "")
    assert refused(files.read_bytes, path, 4) == expected


def test_large_content_is_read_in_pieces(tmp_path):
    path = tmp_path / "a"
    content = bytes(range(256)) * (3 * files.MEBIBYTE // 256) + b"end"
    path.write_bytes(content)
    assert files.read_bytes(path, 4 * files.MEBIBYTE) == content
    message = f"'{path}' is larger than 3 MiB"
    assert refused(files.read_bytes, path, 3 * files.MEBIBYTE) == ("file-too-large", message, "")


def test_take_stops_at_the_end_and_at_the_count():
    stream = io.BytesIO(b"abcdef")
    assert [files.take(stream, 4), files.take(stream, 4), files.take(stream, 4)] == [
        b"abcd",
        b"ef",
        b"",
    ]


@pytest.mark.parametrize(
    ("count", "shown"),
    [(2**30, "1 GiB"), (3 * 2**29, "1.5 GiB"), (2**31 + 1, "2 GiB"), (10**9, "0.9313 GiB")],
)
def test_show_bytes(count, shown):
    assert files.show_bytes(count) == shown


def test_a_missing_file_and_its_neighbour(tmp_path):
    (tmp_path / "weights.npz").touch()
    path = tmp_path / "wieghts.npz"
    message = f"there is no file '{path}'"
    help = "did you mean 'weights.npz'?"
    assert refused(files.read_bytes, path, 9) == ("no-such-file", message, help)
    path = tmp_path / "other"
    message = f"there is no file '{path}'"
    assert refused(files.read_bytes, path, 9) == ("no-such-file", message, "")
    path = tmp_path / "nowhere" / "weights.npz"
    message = f"there is no file '{path}'"
    assert refused(files.read_bytes, path, 9) == ("no-such-file", message, "")


def test_the_fault_stands_where_the_file_is_named(tmp_path):
    with pytest.raises(FileError) as caught:
        files.read_bytes(Path("w.npz"), 9, SPAN)
    assert str(caught.value) == (
        "error[no-such-file]: there is no file 'w.npz'\n"
        "  --> net.yaml:1:17\n"
        "   |\n"
        " 1 | weights: {file: w.npz}\n"
        "   |                 ^^^^^"
    )


def test_a_folder_is_no_file(tmp_path):
    expected = ("not-a-file", f"'{tmp_path}' is a folder, not a file", "")
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert refused(files.read_bytes, tmp_path, 9) == expected
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_pipe_is_no_file_and_does_not_block(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    result = []
    thread = threading.Thread(
        target=lambda: result.append(refused(files.read_bytes, path, 9)), daemon=True
    )
    thread.start()
    thread.join(600)
    assert result == [("not-a-file", f"'{path}' is not a regular file", "")]


def test_a_device_is_no_file():
    expected = ("not-a-file", "'/dev/zero' is not a regular file", "")
    assert refused(files.read_bytes, Path("/dev/zero"), 9) == expected


def test_names_that_the_system_refuses():
    path = Path("a\0b")
    message = f"'{path}' cannot be read: embedded null byte"
    assert refused(files.read_bytes, path, 9) == ("unreadable-file", message, "")
    path = Path("x" * 256)
    message = f"'{path}' cannot be read: File name too long"
    assert refused(files.read_bytes, path, 9) == ("unreadable-file", message, "")


def test_a_file_on_the_way_is_no_folder(tmp_path):
    (tmp_path / "a").touch()
    path = tmp_path / "a" / "b"
    message = f"'{path}' cannot be read: Not a directory"
    assert refused(files.read_bytes, path, 9) == ("unreadable-file", message, "")


# --- names in a spec


def test_names_within(tmp_path):
    (tmp_path / "below").mkdir()
    assert files.within(tmp_path, "w.npz") == tmp_path / "w.npz"
    assert files.within(tmp_path, "below/../below/w.npz") == tmp_path / "below" / "w.npz"


def test_a_relative_folder_gives_relative_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert files.within(Path(), "below/w.npz") == Path("below/w.npz")
    assert files.within(Path("below"), "w.npz") == Path("below/w.npz")


@pytest.mark.parametrize("name", ["../w.npz", "/etc/passwd", "below/../../w.npz", "link/w.npz"])
def test_names_outside(tmp_path, name):
    folder = tmp_path / "specs"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    message = f"'{name}' lies outside the folder of the spec that names it"
    help = "put the file beside the spec, or in a folder below it"
    assert refused(files.within, folder, name) == ("file-outside", message, help)


def test_a_link_that_stays_inside(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert files.within(tmp_path, "link/w.npz") == tmp_path / "real" / "w.npz"


def test_names_that_are_none(tmp_path):
    assert refused(files.within, tmp_path, "a\0b") == (
        "bad-file-name",
        "'a\0b' is not a file name",
        "",
    )
    (tmp_path / "round").symlink_to(tmp_path / "round")
    with pytest.raises(FileError):
        files.read_bytes(files.within(tmp_path, "round/about"), 9)


# --- putting out


def test_a_file_is_written_with_the_usual_permissions(tmp_path):
    path = tmp_path / "a.txt"
    old = os.umask(0o027)
    try:
        files.write_text(path, "naïve\n")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(old)
    assert path.read_bytes() == "naïve\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced(tmp_path):
    path = tmp_path / ("long" * 50)
    path.write_text("old")
    files.write_whole(path, lambda stream: stream.write(b"new"))
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("relative", [True, False])
def test_a_file_is_written_through_links(tmp_path, there, relative):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    target, between, link = outside / "a.txt", inside / "between", inside / "link"
    if there:
        target.write_text("old")
        target.chmod(0o600)
    between.symlink_to(Path("../outside/a.txt") if relative else target)
    link.symlink_to("between" if relative else between)
    for write in (
        lambda: files.write_text(link, "new"),
        lambda: files.write_all({link: b"new", inside / "other": b""}),
    ):
        write()
        assert target.read_text() == "new"
        assert link.is_symlink()
        assert between.is_symlink()
        assert list(outside.iterdir()) == [target]
        assert stat.S_IMODE(target.stat().st_mode) == 0o600 or not there
        target.write_text("old")


def test_links_that_nothing_can_be_written_through(tmp_path):
    (tmp_path / "round").symlink_to(tmp_path / "round")
    (tmp_path / "astray").symlink_to(tmp_path / "none" / "a.txt")
    (tmp_path / "folder").symlink_to(tmp_path)
    before = sorted(tmp_path.iterdir())
    round_message = f"'{tmp_path / 'round'}' cannot be written: {os.strerror(errno.ELOOP)}"
    folder_message = f"'{tmp_path / 'folder'}' is a folder, not a file"
    astray = f"there is no folder '{tmp_path / 'none'}' to write into"
    for name, code, message in (
        ("round", "unwritable-file", round_message),
        ("astray", "no-such-folder", astray),
        ("folder", "not-a-file", folder_message),
    ):
        assert refused(files.write_text, tmp_path / name, "new") == (code, message, "")
        assert refused(files.write_all, {tmp_path / name: b"new"}) == (code, message, "")
    assert sorted(tmp_path.iterdir()) == before


def test_no_file_takes_the_place_of_a_pipe_or_a_device(tmp_path):
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        message = f"'{path}' is not a regular file"
        assert refused(files.write_text, path, "new") == ("not-a-file", message, "")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert sorted(tmp_path.iterdir()) == [link, pipe]


class StopError(Exception):
    pass


@pytest.mark.parametrize("error", [StopError, KeyboardInterrupt])
def test_a_writer_that_fails_leaves_the_old_content(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write(stream):
        stream.write(b"half of the new con")
        stream.flush()
        assert len(list(tmp_path.iterdir())) == 2
        raise error

    with pytest.raises(error):
        files.write_whole(path, write)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_is_full(tmp_path):
    path = tmp_path / "a.txt"

    def write(stream):
        raise OSError(28, "No space left on device")

    message = f"'{path}' cannot be written: No space left on device"
    assert refused(files.write_whole, path, write) == ("unwritable-file", message, "")
    assert not list(tmp_path.iterdir())


def test_nowhere_to_write(tmp_path):
    path = tmp_path / "runs" / "a.txt"
    message = f"there is no folder '{tmp_path / 'runs'}' to write into"
    assert refused(files.write_text, path, "") == ("no-such-folder", message, "")


def test_a_folder_is_not_written_over(tmp_path):
    path = tmp_path / "a"
    path.mkdir()
    message = f"'{path}' is a folder, not a file"
    assert refused(files.write_text, path, "") == ("not-a-file", message, "")
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_that_cannot_be_written(tmp_path):
    path = tmp_path / "a\0b"
    message = f"'{path}' cannot be written: embedded null byte"
    assert refused(files.write_text, path, "") == ("unwritable-file", message, "")


def test_a_file_that_was_there_keeps_its_permissions(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(0o640)
    files.write_text(path, "new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o640)


@pytest.mark.parametrize(
    ("there", "wanted", "help"),
    [
        (["names.yaml"], "other.yaml", ""),
        (["names.yaml"], "nams.yaml", "did you mean 'names.yaml'?"),
        (["net.yml"], "net.yaml", "did you mean 'net.yml'?"),
        (["net.json", "net.yaml", "net.zip"], "nets.yaml", "did you mean 'net.yaml'?"),
    ],
)
def test_the_nearest_file_is_near(tmp_path, there, wanted, help):
    for name in there:
        (tmp_path / name).touch()
    with pytest.raises(FileError) as caught:
        files.read_bytes(tmp_path / wanted, 10)
    assert caught.value.diagnostics[0].help == help


@pytest.mark.skipif(sys.platform != "linux", reason="a file of Linux")
def test_a_regular_file_that_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").symlink_to("/proc/self/mem")
    with pytest.raises(FileError) as caught:
        files.read_bytes(Path("net.yaml"), 10)
    assert str(caught.value) == (
        "error[unreadable-file]: 'net.yaml' cannot be read: Input/output error"
    )


def test_files_that_belong_together_are_written_all_or_none(tmp_path):
    first, second = tmp_path / "net.npz", tmp_path / "net.py"
    first.write_bytes(b"old")
    second.mkdir()
    with pytest.raises(FileError) as caught:
        files.write_all({first: b"new", second: b"new"})
    assert str(caught.value) == (f"error[not-a-file]: '{second}' is a folder, not a file")
    assert first.read_bytes() == b"old"
    assert sorted(tmp_path.iterdir()) == [first, second]
    second.rmdir()
    files.write_all({first: b"new", second: b"too"})
    assert (first.read_bytes(), second.read_bytes()) == (b"new", b"too")
    assert sorted(tmp_path.iterdir()) == [first, second]
