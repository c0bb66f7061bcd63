"""What the reader says of mistakes in YAML, to the letter."""

from __future__ import annotations

import pytest
import yaml

from graphnn.diagnostics import SpecError
from graphnn.spec import reader

MISTAKES = {
    "tab for indentation": (
        "nodes:\n\tx: 1\n",
        """
error[yaml-syntax]: this is not YAML: found character that cannot start any token
  --> net:2:1
   |
 2 |  x: 1
   | ^
   = help: use spaces: YAML allows no tab before a key, a value or a list
""",
    ),
    "tab after spaces": (
        "nodes:\n  x: 1\n  \ty: 2\n",
        """
error[yaml-syntax]: this is not YAML: found a tab character that violates indentation
  --> net:3:3
   |
 2 |   x: 1
   |      - while scanning a plain scalar
 3 |    y: 2
   |   ^
   = help: use spaces: YAML allows no tab before a key, a value or a list
""",
    ),
    "tab after dash": (
        "- a\n-\tb: 1\n\tc: 2\n",
        """
error[yaml-syntax]: this is not YAML: found character that cannot start any token
  --> net:2:2
   |
 2 | - b: 1
   |  ^
   = help: use spaces: YAML allows no tab before a key, a value or a list
""",
    ),
    "no space after colon in the first line": (
        "graphnn:1\nname: a\n",
        """
error[yaml-syntax]: this is not YAML: mapping values are not allowed in this context
  --> net:2:5
   |
 2 | name: a
   |     ^
   = help: in line 1, put a space after the colon: 'graphnn: 1'
""",
    ),
    "no space after colon in a middle line": (
        "graphnn: 1\nname:a\nsizes: {}\n",
        """
error[yaml-syntax]: this is not YAML: could not find expected ':'
  --> net:3:1
   |
 2 | name:a
   | - while scanning a simple key
 3 | sizes: {}
   | ^
   = help: put a space after the colon: 'name: a'
""",
    ),
    "no space after colon below": (
        "sizes:\n  a:1\n  b: 2\n",
        """
error[yaml-syntax]: this is not YAML: mapping values are not allowed in this context
  --> net:3:4
   |
 3 |   b: 2
   |    ^
   = help: in line 2, put a space after the colon: 'a: 1'
""",
    ),
    "no space after colon above a comment": (
        "a:1\n# note\n\nb: 2\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected <document start>
  --> net:4:1
   |
 4 | b: 2
   | ^
   = help: in line 1, put a space after the colon: 'a: 1'
""",
    ),
    "no space after a quoted key": (
        "a:\n  'b':1\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected key
  --> net:2:6
   |
 1 | a:
   | - while parsing a block mapping
 2 |   'b':1
   |      ^
   = help: put a space after the ':'
""",
    ),
    "no colon": (
        "graphnn: 1\nname\nsizes: {}\n",
        """
error[yaml-syntax]: this is not YAML: could not find expected ':'
  --> net:3:1
   |
 2 | name
   | - while scanning a simple key
 3 | sizes: {}
   | ^
   = help: write a line of a mapping as 'key: value'
""",
    ),
    "no colon in the first line": (
        "name\ngraphnn: 1\n",
        """
error[yaml-syntax]: this is not YAML: mapping values are not allowed in this context
  --> net:2:8
   |
 2 | graphnn: 1
   |        ^
   = help: line 1 has no ':'
""",
    ),
    "two colons in a line": (
        "a: b: c\n",
        """
error[yaml-syntax]: this is not YAML: mapping values are not allowed in this context
  --> net:1:5
   |
 1 | a: b: c
   |     ^
   = help: put a text that holds ': ' in quotes, or write a mapping as {key: value}
""",
    ),
    "two colons in brackets": (
        "a: {b: c: d}\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected ',' or '}'
  --> net:1:9
   |
 1 | a: {b: c: d}
   |    -    ^
   |    |
   |    the bracket is opened here
   = help: put a text that holds ': ' in quotes
""",
    ),
    "key deeper than the one above": (
        "a: 1\n  b: 2\n",
        """
error[yaml-syntax]: this is not YAML: mapping values are not allowed in this context
  --> net:2:4
   |
 2 |   b: 2
   |    ^
   = help: indent this key as the one in line 1
""",
    ),
    "key between two columns": (
        "a:\n    b: 1\n  c: 2\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected key
  --> net:3:3
   |
 1 | a:
   | - while parsing a block mapping
 2 |     b: 1
 3 |   c: 2
   |   ^
   = help: start this line in column 1, as line 1, or in column 5, as line 2
""",
    ),
    "list beside keys": (
        "a: 1\n- b\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected key
  --> net:2:1
   |
 1 | a: 1
   | - while parsing a block mapping
 2 | - b
   | ^
   = help: put the list under a separate key
""",
    ),
    "key beside a list": (
        "- a: 1\n b: 2\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected '-' indicator
  --> net:2:2
   |
 1 | - a: 1
   | - while parsing a block collection
 2 |  b: 2
   |  ^
   = help: start this line with '- ' in column 1, as line 1, or in column 3, as line 1
""",
    ),
    "list in the line of its key": (
        "a: - b\n",
        """
error[yaml-syntax]: this is not YAML: block sequence entries are not allowed in this context
  --> net:1:4
   |
 1 | a: - b
   |    ^
   = help: start the list on a new line, or write it as [a, b]
""",
    ),
    "comma missing": (
        "a: {op: relu inputs: x}\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected ',' or '}'
  --> net:1:20
   |
 1 | a: {op: relu inputs: x}
   |    -               ^
   |    |
   |    the bracket is opened here
   = help: put a comma before 'inputs'
""",
    ),
    "comma missing at the end of a line": (
        "a: {op: relu\n    inputs: x}\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected ',' or '}'
  --> net:2:11
   |
 1 | a: {op: relu
   |    - the bracket is opened here
 2 |     inputs: x}
   |           ^
   = help: put a comma before 'inputs'
""",
    ),
    "comma missing after a text": (
        'a: {b: "x" c: 1}\n',
        """
error[yaml-syntax]: this is not YAML: did not find expected ',' or '}'
  --> net:1:12
   |
 1 | a: {b: "x" c: 1}
   |    -       ^
   |    |
   |    the bracket is opened here
   = help: put a comma before 'c'
""",
    ),
    "comma missing between pairs in a list": (
        "a: [b: 1 c: 2]\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected ',' or ']'
  --> net:1:11
   |
 1 | a: [b: 1 c: 2]
   |    -      ^
   |    |
   |    the bracket is opened here
   = help: put a comma before 'c'
""",
    ),
    "brace never closed": (
        "nodes:\n  x: {op: input, shape: [batch, 4]\n  y: {op: relu, inputs: x}\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected ',' or '}'
  --> net:3:3
   |
 2 |   x: {op: input, shape: [batch, 4]
   |      - the bracket is opened here
 3 |   y: {op: relu, inputs: x}
   |   ^
   = help: close the '{' with '}'
""",
    ),
    "bracket never closed at the end": (
        "a: {op: relu, inputs: [x,\n\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected node content
  --> net:1:26
   |
 1 | a: {op: relu, inputs: [x,
   |                       -  ^ the text ends here
   |                       |
   |                       the bracket is opened here
   = help: close the '[' with ']'
""",
    ),
    "bracket after an anchor never closed": (
        "a: &x\n  [1, 2\nb: 3\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected ',' or ']'
  --> net:3:2
   |
 2 |   [1, 2
   |   - the bracket is opened here
 3 | b: 3
   |  ^
   = help: close the '[' with ']'
""",
    ),
    "bracket closed by a brace": (
        "x: {op: input, shape: [batch, 4}\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected ',' or ']'
  --> net:1:32
   |
 1 | x: {op: input, shape: [batch, 4}
   |                       -        ^
   |                       |
   |                       the bracket is opened here
   = help: close the '[' with ']'
""",
    ),
    "brace closed twice": (
        "a: {b: 1}}\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected key
  --> net:1:10
   |
 1 | a: {b: 1}}
   | -        ^
   | |
   | while parsing a block mapping
   = help: remove the '}': it closes nothing
""",
    ),
    "bracket where a value starts": (
        "a: ]\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected node content
  --> net:1:4
   |
 1 | a: ]
   |    ^
   = help: write a value before the ']', or put a text in quotes
""",
    ),
    "comma where a value starts": (
        "a: [,]\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected node content
  --> net:1:5
   |
 1 | a: [,]
   |    -^
   |    |
   |    the bracket is opened here
   = help: write a value before the ',', or put a text in quotes
""",
    ),
    "single quote never closed": (
        "a: 'abc\nb: 2\n",
        """
error[yaml-syntax]: this is not YAML: found unexpected end of stream
  --> net:2:5
   |
 1 | a: 'abc
   |    - the quote is opened here
 2 | b: 2
   |     ^ the text ends here
   = help: close the text with '
""",
    ),
    "double quote never closed": (
        'a: "abc\nb: 2\n',
        """
error[yaml-syntax]: this is not YAML: found unexpected end of stream
  --> net:2:5
   |
 1 | a: "abc
   |    - the quote is opened here
 2 | b: 2
   |     ^ the text ends here
   = help: close the text with "
""",
    ),
    "quote within quotes": (
        "a: 'don't'\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected key
  --> net:1:9
   |
 1 | a: 'don't'
   | -       ^
   | |
   | while parsing a block mapping
   = help: put all of the value in quotes, or remove what follows it
""",
    ),
    "unknown escape": (
        'file: "C:\\weights"\n',
        r"""
error[yaml-syntax]: this is not YAML: found unknown escape character
  --> net:1:10
   |
 1 | file: "C:\weights"
   |       -  ^
   |       |
   |       the quote is opened here
   = help: write a backslash as '\\' in double quotes, or use single quotes
""",
    ),
    "half a character escaped": (
        'a: "\\ud83d"\n',
        r"""
error[yaml-syntax]: this is not YAML: found invalid Unicode character escape code
  --> net:1:7
   |
 1 | a: "\ud83d"
   |    -  ^
   |    |
   |    the quote is opened here
   = help: write the character itself
""",
    ),
    "text that starts with at": (
        "a: @x\n",
        """
error[yaml-syntax]: this is not YAML: found character that cannot start any token
  --> net:1:4
   |
 1 | a: @x
   |    ^
   = help: put a text that starts with '@' in quotes
""",
    ),
    "text that starts with percent": (
        "a: %x\n",
        """
error[yaml-syntax]: this is not YAML: found character that cannot start any token
  --> net:1:4
   |
 1 | a: %x
   |    ^
   = help: put a text that starts with '%' in quotes
""",
    ),
    "text that starts with a backtick": (
        "a: `x`\n",
        """
error[yaml-syntax]: this is not YAML: found character that cannot start any token
  --> net:1:4
   |
 1 | a: `x`
   |    ^
   = help: put a text that starts with '`' in quotes
""",
    ),
    "text that starts with a star": (
        "a: * b\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected alphabetic or numeric character
  --> net:1:5
   |
 1 | a: * b
   |    -^
   |    |
   |    while scanning an alias
   = help: put a text that starts with '*' in quotes
""",
    ),
    "text that starts with an ampersand": (
        "a: & b\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected alphabetic or numeric character
  --> net:1:5
   |
 1 | a: & b
   |    -^
   |    |
   |    while scanning an anchor
   = help: put a text that starts with '&' in quotes
""",
    ),
    "text that starts with a bar": (
        "a: |x\n  b\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected comment or line break
  --> net:1:5
   |
 1 | a: |x
   |    -^
   |    |
   |    while scanning a block scalar
   = help: start the text on the line below
""",
    ),
    "key missing": (
        ": 1\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected key
  --> net:1:1
   |
 1 | : 1
   | ^
   = help: write a key before the ':'
""",
    ),
    "key missing in braces": (
        "a: {: 1}\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected node content
  --> net:1:5
   |
 1 | a: {: 1}
   |    -^
   |    |
   |    the bracket is opened here
   = help: write a key before the ':'
""",
    ),
    "text after the end": (
        "a: 1\n...\nb: 2\n",
        """
error[yaml-syntax]: this is not YAML: did not find expected <document start>
  --> net:3:1
   |
 3 | b: 2
   | ^
   = help: remove what follows the mapping
""",
    ),
    "question mark": (
        "a: ? b\n",
        """
error[yaml-syntax]: this is not YAML: mapping keys are not allowed in this context
  --> net:1:4
   |
 1 | a: ? b
   |    ^
   = help: put a text that starts with '?' in quotes
""",
    ),
    "tag": (
        "a: !!python/object:os.system x\nb: !local [1]\nc: ! d\n",
        """
error[tag-not-allowed]: the tag '!!python/object:os.system' is not allowed
  --> net:1:4
   |
 1 | a: !!python/object:os.system x
   |    ^^^^^^^^^^^^^^^^^^^^^^^^^
   = help: remove it; a text that starts with '!' must be in quotes

error[tag-not-allowed]: the tag '!local' is not allowed
  --> net:2:4
   |
 2 | b: !local [1]
   |    ^^^^^^
   = help: remove it; a text that starts with '!' must be in quotes

error[tag-not-allowed]: the tag '!' is not allowed
  --> net:3:4
   |
 3 | c: ! d
   |    ^
   = help: remove it; a text that starts with '!' must be in quotes
""",
    ),
    "tag on a new line": (
        "a: &x\n  !t {}\n",
        """
error[tag-not-allowed]: the tag '!t' is not allowed
  --> net:2:3
   |
 2 |   !t {}
   |   ^^
   = help: remove it; a text that starts with '!' must be in quotes
""",
    ),
    "tag without its handle": (
        "a: !e!x 1\n",
        """
error[tag-not-allowed]: the tag '!e!x' is not allowed
  --> net:1:4
   |
 1 | a: !e!x 1
   |    ^^^^
   = help: remove it; a text that starts with '!' must be in quotes
""",
    ),
    "tag that is not utf8": (
        "a: 1\nb: !<%ed%a0%80> x\n",
        """
error[tag-not-allowed]: the tag '!<%ed%a0%80>' is not allowed
  --> net:2:4
   |
 2 | b: !<%ed%a0%80> x
   |    ^^^^^^^^^^^^
   = help: remove it; a text that starts with '!' must be in quotes
""",
    ),
    "version directive": (
        "%YAML 1.1\n---\na: 1\n",
        """
error[directive-not-allowed]: the directive '%YAML 1.1' is not allowed
  --> net:1:1
   |
 1 | %YAML 1.1
   | ^^^^^^^^^
   = help: remove this line; a text that starts with '%' must be in quotes
""",
    ),
    "version directive unknown": (
        "%YAML 3.0\n---\na: 1\n",
        """
error[directive-not-allowed]: the directive '%YAML 3.0' is not allowed
  --> net:1:1
   |
 1 | %YAML 3.0
   | ^^^^^^^^^
   = help: remove this line; a text that starts with '%' must be in quotes
""",
    ),
    "tag directive": (
        "%TAG ! tag:x,2000:\n---\na: 1\n",
        """
error[directive-not-allowed]: the directive '%TAG ! tag:x,2000:' is not allowed
  --> net:1:1
   |
 1 | %TAG ! tag:x,2000:
   | ^^^^^^^^^^^^^^^^^^
   = help: remove this line; a text that starts with '%' must be in quotes
""",
    ),
    "directive unknown": (
        "%FOO\n---\na: 1\n",
        """
error[directive-not-allowed]: the directive '%FOO' is not allowed
  --> net:1:1
   |
 1 | %FOO
   | ^^^^
   = help: remove this line; a text that starts with '%' must be in quotes
""",
    ),
    "key that starts with percent": (
        "a: 1\n%b: 2\n",
        """
error[directive-not-allowed]: the directive '%b: 2' is not allowed
  --> net:2:1
   |
 2 | %b: 2
   | ^^^^^
   = help: remove this line; a text that starts with '%' must be in quotes
""",
    ),
    "two documents": (
        "a: 1\n---\nb: 2\n",
        """
error[several-documents]: a second document starts here
  --> net:2:1
   |
 2 | ---
   | ^^^
   = help: keep one document in a file; remove '---' and all that follows
""",
    ),
    "empty": (
        "",
        """
error[empty-file]: 'net' holds no value
  --> net:1:1
""",
    ),
    "comment alone": (
        "# nothing yet\n",
        """
error[empty-file]: 'net' holds no value
  --> net:1:1
   |
 1 | # nothing yet
   | ^
""",
    ),
    "document without a value": (
        "---\n",
        """
error[empty-file]: 'net' holds no value
  --> net:1:1
   |
 1 | ---
   | ^
""",
    ),
    "list at the top": (
        "- a\n- b\n",
        """
error[not-a-mapping]: 'net' holds a list, not a mapping
  --> net:1:1
   |
 1 | - a
   | ^^^
   = help: a spec is made of keys with values, such as 'graphnn: 1'
""",
    ),
    "text at the top": (
        "hello\n",
        """
error[not-a-mapping]: 'net' holds a text, not a mapping
  --> net:1:1
   |
 1 | hello
   | ^^^^^
   = help: a spec is made of keys with values, such as 'graphnn: 1'
""",
    ),
    "null at the top": (
        "~\n",
        """
error[not-a-mapping]: 'net' holds nothing, not a mapping
  --> net:1:1
   |
 1 | ~
   | ^
   = help: a spec is made of keys with values, such as 'graphnn: 1'
""",
    ),
    "duplicate keys": (
        "a: 1\nb: {c: 1, d: 2, c: 3}\n'a': 2\na: 3\n",
        """
error[duplicate-key]: the key 'c' is given twice in one mapping
  --> net:2:17
   |
 2 | b: {c: 1, d: 2, c: 3}
   |     -           ^
   |     |
   |     first given here
   = help: remove one of the two, or rename it

error[duplicate-key]: the key 'a' is given twice in one mapping
  --> net:3:1
   |
 1 | a: 1
   | - first given here
 2 | b: {c: 1, d: 2, c: 3}
 3 | 'a': 2
   | ^^^
   = help: remove one of the two, or rename it

error[duplicate-key]: the key 'a' is given twice in one mapping
  --> net:4:1
   |
 1 | a: 1
   | - first given here
...
 4 | a: 3
   | ^
   = help: remove one of the two, or rename it
""",
    ),
    "keys that are no texts": (
        "1: a\n'ok': b\ntrue: c\nnull: d\n1.5: e\n? [x, y]\n: f\n? {z: 1}\n: g\n?\n: h\n",
        """
error[key-not-text]: the key '1' is a number, not a text
  --> net:1:1
   |
 1 | 1: a
   | ^
   = help: a name holds letters, digits, '_' and '-', and starts with a letter or '_'

error[key-not-text]: the key 'true' is true or false, not a text
  --> net:3:1
   |
 3 | true: c
   | ^^^^
   = help: put it in quotes: 'true'

error[key-not-text]: the key 'null' is nothing, not a text
  --> net:4:1
   |
 4 | null: d
   | ^^^^
   = help: put it in quotes: 'null'

error[key-not-text]: the key '1.5' is a number, not a text
  --> net:5:1
   |
 5 | 1.5: e
   | ^^^
   = help: a name holds letters, digits, '_' and '-', and starts with a letter or '_'

error[key-not-text]: a key cannot be a list
  --> net:6:3
   |
 6 | ? [x, y]
   |   ^^^^^^
   = help: use a text as the key

error[key-not-text]: a key cannot be a mapping
  --> net:8:3
   |
 8 | ? {z: 1}
   |   ^^^^^^
   = help: use a text as the key

error[key-not-text]: a key is empty
   --> net:10:2
    |
 10 | ?
    |  ^
    = help: write a name before the ':'
""",
    ),
    "numbers as keys by anchor and alias": (
        "x: &n 3\n*n : 1\n&m 4: 2\n",
        """
error[key-not-text]: the key '*n' is a number, not a text
  --> net:2:1
   |
 2 | *n : 1
   | ^^
   = help: use a text as the key

error[key-not-text]: the key '4' is a number, not a text
  --> net:3:1
   |
 3 | &m 4: 2
   | ^^^^
   = help: a name holds letters, digits, '_' and '-', and starts with a letter or '_'
""",
    ),
    "merge key": (
        "base: &b {a: 1}\nx:\n  <<: *b\n  a: 2\n",
        """
error[merge-key]: the merge key '<<' is not allowed
  --> net:3:3
   |
 3 |   <<: *b
   |   ^^
   = help: YAML 1.2 has none: write the keys out
""",
    ),
    "numbers not finite": (
        "- .inf\n- -.INF\n- .NaN\n- 1e999\n- [.inf, -1e309]\n",
        """
error[not-a-mapping]: 'net' holds a list, not a mapping
  --> net:1:1
   |
 1 | - .inf
   | ^^^^^^
   = help: a spec is made of keys with values, such as 'graphnn: 1'

error[non-finite-number]: '.inf' is not a finite number
  --> net:1:3
   |
 1 | - .inf
   |   ^^^^
   = help: every number of a spec must be finite

error[non-finite-number]: '-.INF' is not a finite number
  --> net:2:3
   |
 2 | - -.INF
   |   ^^^^^
   = help: every number of a spec must be finite

error[non-finite-number]: '.NaN' is not a finite number
  --> net:3:3
   |
 3 | - .NaN
   |   ^^^^
   = help: every number of a spec must be finite

error[non-finite-number]: '1e999' is too large for a number
  --> net:4:3
   |
 4 | - 1e999
   |   ^^^^^
   = help: the largest float64 is about 1.8e308

error[non-finite-number]: '.inf' is not a finite number
  --> net:5:4
   |
 5 | - [.inf, -1e309]
   |    ^^^^
   = help: every number of a spec must be finite

error[non-finite-number]: '-1e309' is too large for a number
  --> net:5:10
   |
 5 | - [.inf, -1e309]
   |          ^^^^^^
   = help: the largest float64 is about 1.8e308
""",
    ),
    "number as key not finite": (
        ".inf: 1\n",
        """
error[non-finite-number]: '.inf' is not a finite number
  --> net:1:1
   |
 1 | .inf: 1
   | ^^^^
   = help: every number of a spec must be finite
""",
    ),
    "alias unknown": (
        "a: &weights [1]\nb: *wieghts\nc: *x\n*y : 1\n",
        """
error[unknown-alias]: no anchor '&wieghts' comes before the alias '*wieghts'
  --> net:2:4
   |
 2 | b: *wieghts
   |    ^^^^^^^^
   = help: did you mean 'weights'?

error[unknown-alias]: no anchor '&x' comes before the alias '*x'
  --> net:3:4
   |
 3 | c: *x
   |    ^^
   = help: put a text that starts with '*' in quotes

error[unknown-alias]: no anchor '&y' comes before the alias '*y'
  --> net:4:1
   |
 4 | *y : 1
   | ^^
   = help: put a text that starts with '*' in quotes
""",
    ),
    "alias cyclic": (
        "a: &a\n  b: [*a]\n  *a : 1\n",
        """
error[cyclic-alias]: the alias '*a' stands inside the value that it names
  --> net:2:7
   |
 1 | a: &a
   |    - that value starts here
 2 |   b: [*a]
   |       ^^

error[cyclic-alias]: the alias '*a' stands inside the value that it names
  --> net:3:3
   |
 1 | a: &a
   |    - that value starts here
 2 |   b: [*a]
 3 |   *a : 1
   |   ^^
""",
    ),
    "alias before its anchor": (
        "a: *x\nb: &x 1\n",
        """
error[unknown-alias]: no anchor '&x' comes before the alias '*x'
  --> net:1:4
   |
 1 | a: *x
   |    ^^
   = help: put a text that starts with '*' in quotes
""",
    ),
    "line separator": (
        "a: 1\nb: x\u2028y\n",
        r"""
error[bad-character]: the character U+2028 (line separator) is not allowed here
  --> net:2:5
   |
 2 | b: x�y
   |     ^
   = help: remove it, or write it as "\u2028" in a text in double quotes
""",
    ),
    "next line": (
        "a: 1\nb: x\x85y\n",
        r"""
error[bad-character]: the character U+0085 is not allowed here
  --> net:2:5
   |
 2 | b: x�y
   |     ^
   = help: remove it, or write it as "\u0085" in a text in double quotes
""",
    ),
    "byte order mark within": (
        "a: 1\n\ufeffb: 2\n",
        r"""
error[bad-character]: the character U+FEFF (zero width no-break space) is not allowed here
  --> net:2:1
   |
 2 | �b: 2
   | ^
   = help: remove it, or write it as "\ufeff" in a text in double quotes
""",
    ),
    "null character": (
        "a: 1\nb: \x00\n",
        """
error[bad-character]: the character U+0000 is not allowed here
  --> net:2:4
   |
 2 | b: �
   |    ^
   = help: is it UTF-16? save the file as UTF-8
""",
    ),
    "escape character": (
        "a: \x1b[31mred\n",
        r"""
error[bad-character]: the character U+001B is not allowed here
  --> net:1:4
   |
 1 | a: �[31mred
   |    ^
   = help: remove it, or write it as "\u001b" in a text in double quotes
""",
    ),
    "delete character": (
        "a: \x7f\n",
        r"""
error[bad-character]: the character U+007F is not allowed here
  --> net:1:4
   |
 1 | a: �
   |    ^
   = help: remove it, or write it as "\u007f" in a text in double quotes
""",
    ),
    "half a character": (
        "a: \ud800\n",
        """
error[bad-character]: the character U+D800 is not allowed here
  --> net:1:4
   |
 1 | a: �
   |    ^
   = help: remove it: it is half a character
""",
    ),
    "noncharacter": (
        "a: \uffff\n",
        r"""
error[bad-character]: the character U+FFFF is not allowed here
  --> net:1:4
   |
 1 | a: �
   |    ^
   = help: remove it, or write it as "\uffff" in a text in double quotes
""",
    ),
    "faults before a syntax error": (
        "a: .nan\na: 1\nb: [\n",
        """
error[non-finite-number]: '.nan' is not a finite number
  --> net:1:4
   |
 1 | a: .nan
   |    ^^^^
   = help: every number of a spec must be finite

error[duplicate-key]: the key 'a' is given twice in one mapping
  --> net:2:1
   |
 1 | a: .nan
   | - first given here
 2 | a: 1
   | ^
   = help: remove one of the two, or rename it

error[yaml-syntax]: this is not YAML: did not find expected node content
  --> net:3:5
   |
 3 | b: [
   |    -^ the text ends here
   |    |
   |    the bracket is opened here
   = help: close the '[' with ']'
""",
    ),
}


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="the words are those of libyaml")
@pytest.mark.parametrize(("text", "expected"), MISTAKES.values(), ids=list(MISTAKES))
def test_message_of_a_mistake_in_yaml(text: str, expected: str) -> None:
    with pytest.raises(SpecError) as caught:
        reader.read(text, "net", json=False)
    assert f"\n{caught.value}\n" == expected
