"""Forms with files, as browsers send them and as they never would."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.dashboards.uploads import parse_upload
from aihub.kit.errors import Invalid

TYPE = "multipart/form-data; boundary=xyz"


def sent(**how) -> tuple[str, bytes]:
    request = httpx.Request("POST", "http://hub.test", **how)
    return request.headers["content-type"], request.read()


@given(
    st.lists(st.tuples(st.sampled_from(["a.csv", "b ü.json"]), st.binary()), min_size=1, max_size=4)
)
def test_files_come_out_as_they_went_in(files):
    parts = [("file", file) for file in files]
    found = parse_upload(*sent(data={"kind": "aws", "note": "ü\r\n--x"}, files=parts))
    assert found.files == files
    assert found.fields == {"kind": "aws", "note": "ü\r\n--x"}


def test_names_with_quotes_are_read_as_browsers_write_them():
    body = (
        b'--xyz\r\nContent-Disposition: form-data; name="none"; filename=""\r\n\r\n\r\n'
        b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a%22b.csv"\r\n'
        b"Content-Type: text/csv\r\n\r\n1\r\n--xyz\r\n"
        b'Content-Disposition: form-data; name="k"\r\n\r\n\r\n--xyz--\r\n'
    )
    found = parse_upload('multipart/form-data; boundary="xyz"', body)
    assert found.files == [('a"b.csv', b"1")]
    assert found.fields == {"k": ""}


PART = b'--xyz\r\nContent-Disposition: form-data; name="k"\r\n\r\nv\r\n'


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"a=b"),
        ("multipart/form-data", PART + b"--xyz--"),
        ("multipart/form-data; boundary=", PART + b"--xyz--"),
        (TYPE, b""),
        (TYPE, b"nothing of it"),
        (TYPE, PART),
        (TYPE, b"--xyz\r\nno headers\r\n--xyz--"),
        (TYPE, b"--xyz\r\nContent-Disposition: form-data\r\n\r\nv\r\n--xyz--"),
        (TYPE, b"--xyzz\r\n--xyz--"),
        (TYPE, PART * 200 + b"--xyz--"),
        (TYPE, PART.replace(b"v", b"v" * 5_000) + b"--xyz--"),
    ],
)
def test_what_is_no_such_form_is_refused(content_type, body):
    with pytest.raises(Invalid):
        parse_upload(content_type, body)


@given(st.binary(max_size=200))
def test_no_body_breaks_it(body):
    for raw in (body, b"--xyz" + body, PART + body):
        try:
            parse_upload(TYPE, raw)
        except Invalid:
            continue
