"""Data in formats that are not read, from elsewhere, or cut off: each says what to write."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

import graphnn
from tables import cases

SPEC = """\
graphnn: 1
nodes:
  x: {{op: input, shape: [batch, 2]}}
  t: {{op: input, shape: [batch], dtype: int}}
  a: {{op: affine, inputs: x, units: 2}}
  y: {{op: softmax, inputs: a}}
  loss: {{op: cross_entropy, inputs: [y, t]}}
train:
  data: {{{data}}}
"""
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
SAVEZ = "save its arrays by numpy.savez('rows.npz', x=..., t=...)"
STATE = (
    "it is a pickle of torch: save the state of a module by "
    "safetensors.torch.save_file(module.state_dict(), 'model.safetensors'), other arrays by "
    "numpy.savez('rows.npz', x=..., t=...)"
)
CSV = "save it as .csv, as by pandas: table.to_csv('rows.csv', index=False)"
PNG = "convert it to PNG, as by Pillow: Image.open(...).save('name.png')"
BESIDE = "put the file beside the spec, or in a folder below it"
DOWNLOAD = "download the file into the folder of the spec, and give its name"
LABELS = "save labels as numbers: names, numbers = numpy.unique(t, return_inverse=True)"
PAGE = "what was downloaded is not the file itself: open the address in a browser"


def write_files(folder: Path) -> None:
    rows = {"x": np.ones((4, 2)), "t": np.array(["cat", "dog", "cat", "dog"])}
    np.save(folder / "rows.npy", rows["x"])
    np.savez(folder / "text.npz", **rows)
    whole = (folder / "text.npz").read_bytes()
    (folder / "cut.npz").write_bytes(whole[: len(whole) // 2])
    with zipfile.ZipFile(folder / "model.pt", "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps({}))
    for name, content in {
        "lfs.npz": POINTER,
        "lfs.csv": POINTER,
        "lfs.idx": POINTER,
        "page.csv": b"<!DOCTYPE html><html>sign in</html>",
        "old.pkl": pickle.dumps({}),
        "model.h5": b"\x89HDF\r\n\x1a\n" + bytes(99),
        "rows.mat": b"MATLAB 5.0 MAT-file" + bytes(99),
        "rows.parquet": b"PAR1\x15\x04" + bytes(99),
        "rows.xlsx": b"PK\x03\x04" + bytes(99),
    }.items():
        (folder / name).write_bytes(content)
    for kind, content in {"cat": POINTER, "dog": b"GIF89a" + bytes(9)}.items():
        (folder / "pets" / kind).mkdir(parents=True)
        (folder / "pets" / kind / "1.png").write_bytes(content)


@cases(
    r"""
    data | code | message | help
    npz: rows.npy | not-npz | 'rows.npy' is not an .npz file
        | it is an .npy file: save the array by name: numpy.savez('rows.npz', x=array)
    npz: cut.npz | truncated-file | 'cut.npz' ends too early
        | copy or download it again: the end of the .npz file is missing
    npz: text.npz | not-numbers | the array 't' holds <U3, not numbers | $LABELS
    npz: lfs.npz | not-npz | 'lfs.npz' is not an .npz file
        | it is a Git LFS pointer: fetch the file by: git lfs pull
    csv: lfs.csv | unknown-format | 'lfs.csv' is a Git LFS pointer | fetch the file by: git lfs pull
    idx: {t: lfs.idx, x: lfs.idx} | unknown-format | 'lfs.idx' is a Git LFS pointer
        | fetch the file by: git lfs pull
    folder: {path: pets, x: images} | not-an-image
        | 'pets/cat/1.png' is not an image: it begins with the bytes 76 65 72 73
        | it is a Git LFS pointer: fetch the file by: git lfs pull
    folder: {path: pets, x: images} | not-an-image
        | 'pets/dog/1.png' is not an image: it begins with the bytes 47 49 46 38
        | it is a GIF image: $PNG
    csv: page.csv | unknown-format | 'page.csv' is a web page | $PAGE
    npz: model.pt | not-npz | 'model.pt' is not an .npz file | $STATE
    npz: old.pkl | not-npz | 'old.pkl' is not an .npz file | it is a pickle: $SAVEZ
    npz: model.h5 | not-npz | 'model.h5' is not an .npz file | it is an HDF5 file: $SAVEZ
    npz: rows.mat | not-npz | 'rows.mat' is not an .npz file | it is a MATLAB file: $SAVEZ
    csv: rows.parquet | unknown-format | 'rows.parquet' is a Parquet file | $CSV
    csv: rows.xlsx | unknown-format | 'rows.xlsx' is a ZIP archive
        | save a sheet as .csv; an .npz file is read by 'npz'
    npz: ~/rows.npz | file-outside | '~/rows.npz' lies outside the folder of the spec that names it
        | $BESIDE
    npz: C:\data\rows.npz | file-outside
        | 'C:\data\rows.npz' lies outside the folder of the spec that names it | $BESIDE
    csv: 'https://example.org/rows.csv' | bad-file-name
        | 'https://example.org/rows.csv' is an address, not the name of a file | $DOWNLOAD
    folder: 's3://bucket/pets' | bad-file-name
        | 's3://bucket/pets' is an address, not the name of a file | $DOWNLOAD
    """,
    BESIDE=BESIDE,
    CSV=CSV,
    DOWNLOAD=DOWNLOAD,
    LABELS=LABELS,
    PAGE=PAGE,
    PNG=PNG,
    SAVEZ=SAVEZ,
    STATE=STATE,
)
def test_help_says_what_to_write(tmp_path, data, code, message, help):
    write_files(tmp_path)
    found = graphnn.diagnose_text(SPEC.format(data=data), folder=tmp_path)
    assert (code, message, help) in [(each.code, each.message, each.help) for each in found]
    assert {each.severity for each in found} == {"error"}


@pytest.mark.parametrize("name", ["~rows.csv", "par1.csv"])
def test_names_and_headers_that_only_look_so(tmp_path, name):
    (tmp_path / name).write_text("PAR1,par2,kind\n1,2,0\n3,4,1\n")
    assert graphnn.diagnose_text(SPEC.format(data=f"csv: {name}"), folder=tmp_path) == ()


def test_weights_too(tmp_path):
    write_files(tmp_path)
    for name, help in {
        "model.pt": STATE,
        "model.pth": STATE,
        "https://example.org/w.npz": DOWNLOAD,
    }.items():
        text = SPEC.format(data="npz: lfs.npz") + f"weights: {{file: '{name}'}}\n"
        found = graphnn.diagnose_text(text, folder=tmp_path, data=False)
        assert [each.help for each in found] == [help]
