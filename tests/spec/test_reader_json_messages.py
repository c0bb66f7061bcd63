"""What the reader says of mistakes in JSON, to the letter."""

from __future__ import annotations

import pytest

from graphnn.diagnostics import SpecError
from graphnn.spec import reader

MISTAKES = {
    "trailing comma in an object": (
        '{"a": 1,}',
        """
error[json-syntax]: expected a key in double quotes, found '}'
  --> net:1:9
   |
 1 | {"a": 1,}
   |         ^
   = help: remove the comma before '}'
""",
    ),
    "trailing comma in an array": (
        '{"a": [1, 2,\n]}',
        """
error[json-syntax]: expected a value, found ']'
  --> net:2:1
   |
 2 | ]}
   | ^
   = help: remove the comma before ']'
""",
    ),
    "comma missing": (
        '{"a": 1 "b": 2}',
        """
error[json-syntax]: expected ',' or '}', found "b"
  --> net:1:9
   |
 1 | {"a": 1 "b": 2}
   |         ^^^
   = help: put a comma before "b"
""",
    ),
    "comma missing before a bracket": (
        '{"a": 1 [2]}',
        """
error[json-syntax]: expected ',' or '}', found '['
  --> net:1:9
   |
 1 | {"a": 1 [2]}
   |         ^
   = help: put a comma before '['
""",
    ),
    "comma twice": (
        '{"a": 1,, "b": 2}',
        """
error[json-syntax]: expected a key in double quotes, found ','
  --> net:1:9
   |
 1 | {"a": 1,, "b": 2}
   |         ^
   = help: remove the comma
""",
    ),
    "comma first": (
        '{"a": [,]}',
        """
error[json-syntax]: expected a value or ']', found ','
  --> net:1:8
   |
 1 | {"a": [,]}
   |        ^
   = help: remove the comma
""",
    ),
    "single quotes for a key": (
        "{'a': 1}",
        """
error[json-syntax]: expected a key in double quotes or '}', found '''
  --> net:1:2
   |
 1 | {'a': 1}
   |  ^
   = help: put texts in double quotes
""",
    ),
    "single quotes for a value": (
        "{\"a\": 'x'}",
        """
error[json-syntax]: expected a value, found '''
  --> net:1:7
   |
 1 | {"a": 'x'}
   |       ^
   = help: put texts in double quotes
""",
    ),
    "key without quotes": (
        '{"a": 1, op: 2}',
        """
error[json-syntax]: expected a key in double quotes, found 'op'
  --> net:1:10
   |
 1 | {"a": 1, op: 2}
   |          ^^
   = help: write "op"
""",
    ),
    "number as key": (
        "{1: 2}",
        """
error[json-syntax]: expected a key in double quotes or '}', found '1'
  --> net:1:2
   |
 1 | {1: 2}
   |  ^
   = help: write "1"
""",
    ),
    "null as key": (
        "{null: 2}",
        """
error[json-syntax]: expected a key in double quotes or '}', found 'null'
  --> net:1:2
   |
 1 | {null: 2}
   |  ^^^^
   = help: write "null"
""",
    ),
    "text without quotes": (
        '{"op": relu}',
        """
error[json-syntax]: expected a value, found 'relu'
  --> net:1:8
   |
 1 | {"op": relu}
   |        ^^^^
   = help: write "relu"
""",
    ),
    "python words": (
        '{"a": True}',
        """
error[json-syntax]: expected a value, found 'True'
  --> net:1:7
   |
 1 | {"a": True}
   |       ^^^^
   = help: write true
""",
    ),
    "python none": (
        '{"a": None}',
        """
error[json-syntax]: expected a value, found 'None'
  --> net:1:7
   |
 1 | {"a": None}
   |       ^^^^
   = help: write null
""",
    ),
    "leading zero": (
        '{"a": 01}',
        """
error[json-syntax]: expected ',' or '}', found '1'
  --> net:1:8
   |
 1 | {"a": 01}
   |        ^
   = help: remove the leading zeros
""",
    ),
    "no digit before the point": (
        '{"a": .5}',
        """
error[json-syntax]: expected a value, found '.'
  --> net:1:7
   |
 1 | {"a": .5}
   |       ^
   = help: write a number as in -0.5 or 1e-3
""",
    ),
    "plus sign": (
        '{"a": +1}',
        """
error[json-syntax]: expected a value, found '+'
  --> net:1:7
   |
 1 | {"a": +1}
   |       ^
   = help: write a number as in -0.5 or 1e-3
""",
    ),
    "no digit after the point": (
        '{"a": 1.}',
        """
error[json-syntax]: expected ',' or '}', found '.'
  --> net:1:8
   |
 1 | {"a": 1.}
   |        ^
   = help: write a number as in -0.5 or 1e-3
""",
    ),
    "hexadecimal": (
        '{"a": 0x10}',
        """
error[json-syntax]: expected ',' or '}', found 'x10'
  --> net:1:8
   |
 1 | {"a": 0x10}
   |        ^^^
   = help: write a number as in -0.5 or 1e-3
""",
    ),
    "semicolon": (
        '{"a": 1;}',
        """
error[json-syntax]: expected ',' or '}', found ';'
  --> net:1:8
   |
 1 | {"a": 1;}
   |        ^
""",
    ),
    "comment": (
        "# x\n{}",
        """
error[json-syntax]: expected a value, found '#'
  --> net:1:1
   |
 1 | # x
   | ^
   = help: JSON has no comments: remove it, or write the file in YAML
""",
    ),
    "comment of two slashes": (
        "{} // x",
        """
error[json-syntax]: expected the end of the text, found '//'
  --> net:1:4
   |
 1 | {} // x
   |    ^^
   = help: JSON has no comments: remove it, or write the file in YAML
""",
    ),
    "comment with a star": (
        '{"a": 1 /* x */}',
        """
error[json-syntax]: expected ',' or '}', found '/*'
  --> net:1:9
   |
 1 | {"a": 1 /* x */}
   |         ^^
   = help: JSON has no comments: remove it, or write the file in YAML
""",
    ),
    "line break in a text": (
        '{"a": "x\ny"}',
        r"""
error[json-syntax]: the text "x has no closing quote
  --> net:1:7
   |
 1 | {"a": "x
   |       ^^
   = help: close it with '"' on the same line; a line break in a text is written '\n'
""",
    ),
    "tab in a text": (
        '{"a": "x\ty"}',
        r"""
error[json-syntax]: a text in quotes cannot hold a tab
  --> net:1:9
   |
 1 | {"a": "x y"}
   |         ^
   = help: write it as '\t'
""",
    ),
    "unknown escape": (
        '{"a": "C:\\weights"}',
        r"""
error[json-syntax]: '\w' is not an escape
  --> net:1:10
   |
 1 | {"a": "C:\weights"}
   |          ^^
   = help: write a backslash as '\\', a character by its number as '\u00e9'
""",
    ),
    "short escape": (
        '{"a": "\\u12"}',
        r"""
error[json-syntax]: '\u12' is not an escape
  --> net:1:8
   |
 1 | {"a": "\u12"}
   |        ^^^^
   = help: write a backslash as '\\', a character by its number as '\u00e9'
""",
    ),
    "backslash at the end": (
        '{"a": "\\',
        r"""
error[json-syntax]: '\' is not an escape
  --> net:1:8
   |
 1 | {"a": "\
   |        ^
   = help: write a backslash as '\\', a character by its number as '\u00e9'
""",
    ),
    "object never closed": (
        '{"a": {"b": 1}\n',
        """
error[json-syntax]: the text ends before the '{' is closed
  --> net:1:15
   |
 1 | {"a": {"b": 1}
   | -             ^
   | |
   | the '{' is here
   = help: close it with '}'
""",
    ),
    "array never closed": (
        '{"a": [1',
        """
error[json-syntax]: the text ends before the '[' is closed
  --> net:1:9
   |
 1 | {"a": [1
   |       - ^
   |       |
   |       the '[' is here
   = help: close it with ']'
""",
    ),
    "array closed by a brace": (
        '{"a": [1}',
        """
error[json-syntax]: expected ',' or ']', found '}'
  --> net:1:9
   |
 1 | {"a": [1}
   |       - ^
   |       |
   |       the '[' is here
   = help: close the '[' with ']'
""",
    ),
    "object closed by a bracket": (
        '{"a": 1]',
        """
error[json-syntax]: expected ',' or '}', found ']'
  --> net:1:8
   |
 1 | {"a": 1]
   | -      ^
   | |
   | the '{' is here
   = help: close the '{' with '}'
""",
    ),
    "colon missing": (
        '{"a" 1}',
        """
error[json-syntax]: expected ':' after the key, found '1'
  --> net:1:6
   |
 1 | {"a" 1}
   |      ^
   = help: put ':' between a key and its value
""",
    ),
    "value missing before a comma": (
        '{"a":, "b": 1}',
        """
error[json-syntax]: expected a value, found ','
  --> net:1:6
   |
 1 | {"a":, "b": 1}
   |      ^
   = help: write a value after the ':'
""",
    ),
    "value missing": (
        '{"a": }',
        """
error[json-syntax]: expected a value, found '}'
  --> net:1:7
   |
 1 | {"a": }
   |       ^
   = help: write a value after the ':'
""",
    ),
    "two values": (
        "{} {}",
        """
error[json-syntax]: expected the end of the text, found '{'
  --> net:1:4
   |
 1 | {} {}
   |    ^
   = help: a file holds one value
""",
    ),
    "closed twice": (
        "{}}",
        """
error[json-syntax]: expected the end of the text, found '}'
  --> net:1:3
   |
 1 | {}}
   |   ^
   = help: remove it
""",
    ),
    "closed at once": (
        "}",
        """
error[json-syntax]: expected a value, found '}'
  --> net:1:1
   |
 1 | }
   | ^
""",
    ),
    "empty": (
        "",
        """
error[empty-file]: 'net' holds no value
  --> net:1:1
""",
    ),
    "array at the top": (
        "[1]",
        """
error[not-a-mapping]: 'net' holds a list, not a mapping
  --> net:1:1
   |
 1 | [1]
   | ^^^
   = help: a spec is made of keys with values, such as 'graphnn: 1'
""",
    ),
    "number at the top": (
        "1",
        """
error[not-a-mapping]: 'net' holds a number, not a mapping
  --> net:1:1
   |
 1 | 1
   | ^
   = help: a spec is made of keys with values, such as 'graphnn: 1'
""",
    ),
    "numbers not finite": (
        '{"a": NaN, "b": [-Infinity, Infinity],\n "c": 1e999}',
        """
error[non-finite-number]: 'NaN' is not a finite number
  --> net:1:7
   |
 1 | {"a": NaN, "b": [-Infinity, Infinity],
   |       ^^^
   = help: every number of a spec must be finite

error[non-finite-number]: '-Infinity' is not a finite number
  --> net:1:18
   |
 1 | {"a": NaN, "b": [-Infinity, Infinity],
   |                  ^^^^^^^^^
   = help: every number of a spec must be finite

error[non-finite-number]: 'Infinity' is not a finite number
  --> net:1:29
   |
 1 | {"a": NaN, "b": [-Infinity, Infinity],
   |                             ^^^^^^^^
   = help: every number of a spec must be finite

error[non-finite-number]: '1e999' is too large for a number
  --> net:2:7
   |
 2 |  "c": 1e999}
   |       ^^^^^
   = help: the largest float64 is about 1.8e308
""",
    ),
    "half a character escaped": (
        '{"a": "\\ud800", "\\udfff": 1}',
        r"""
error[bad-character]: the escape of U+D800 stands for half a character
  --> net:1:7
   |
 1 | {"a": "\ud800", "\udfff": 1}
   |       ^^^^^^^^
   = help: write the character itself

error[bad-character]: the escape of U+DFFF stands for half a character
  --> net:1:17
   |
 1 | {"a": "\ud800", "\udfff": 1}
   |                 ^^^^^^^^
   = help: write the character itself
""",
    ),
    "duplicate keys": (
        '{"a": 1,\n "\\u0061": 2}',
        r"""
error[duplicate-key]: the key 'a' is given twice in one mapping
  --> net:2:2
   |
 1 | {"a": 1,
   |  --- first given here
 2 |  "\u0061": 2}
   |  ^^^^^^^^
   = help: remove one of the two, or rename it
""",
    ),
    "null character": (
        '{"a": \x00}',
        """
error[bad-character]: the character U+0000 is not allowed here
  --> net:1:7
   |
 1 | {"a": �}
   |       ^
   = help: is it UTF-16? save the file as UTF-8
""",
    ),
    "escape character": (
        '{"a": "\x1b"}',
        r"""
error[bad-character]: the character U+001B is not allowed here
  --> net:1:8
   |
 1 | {"a": "�"}
   |        ^
   = help: remove it, or write it as "\u001b" in a text in double quotes
""",
    ),
}


@pytest.mark.parametrize(("text", "expected"), MISTAKES.values(), ids=list(MISTAKES))
def test_message_of_a_mistake_in_json(text: str, expected: str) -> None:
    with pytest.raises(SpecError) as caught:
        reader.read(text, "net", json=True)
    assert f"\n{caught.value}\n" == expected
