"""Checks texts as `languages.py` asks: protobuf's parser with Caffe's caffe.proto, compiled.

There is no Caffe to run: what it would say beyond the syntax is not seen.
"""

import json
import sys

import caffe_pb2
import google.protobuf
from google.protobuf import text_format

found = []
for text in json.load(sys.stdin):
    try:
        text_format.Parse(text, caffe_pb2.NetParameter())
        found.append(["", False])
    except text_format.ParseError as error:
        found.append([str(error), error.GetLine() is not None])
json.dump({"version": f"protobuf {google.protobuf.__version__}", "found": found}, sys.stdout)
