"""Mail sources are read as mail programs write them, and hostile ones end nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.providers.raw_mail import RawMail, read_raw_mail, says_automatic

ALTERNATIVE = """MIME-Version: 1.0\r
From: =?utf-8?q?P=C3=A4t?= <pat@zen.example>\r
Content-Type: multipart/mixed; boundary="m"\r
\r
--m\r
Content-Type: multipart/alternative; boundary="a"\r
\r
--a\r
Content-Type: text/plain; charset="iso-8859-1"\r
Content-Transfer-Encoding: quoted-printable\r
\r
Gr=FC=DFe\r
--a\r
Content-Type: text/html; charset=utf-8\r
Content-Transfer-Encoding: base64\r
\r
PHA+R3LDvMOfZTwvcD4=\r
--a--\r
--m\r
Content-Type: application/pdf\r
Content-Disposition: attachment; filename="a.pdf"\r
\r
%PDF\r
--m--\r
"""


def test_both_bodies_are_decoded_and_attachments_are_none() -> None:
    found = read_raw_mail(ALTERNATIVE)
    assert (found.plain.strip(), found.html.strip(), found.is_automated) == ("Grüße", "<p>Grüße</p>", False)


def test_a_mail_of_one_part() -> None:
    assert read_raw_mail("Subject: hi\n\nYes.").plain == "Yes."
    assert read_raw_mail("Content-Type: text/html\n\n<p>Yes.</p>").html == "<p>Yes.</p>"


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "auto-submitted: auto-generated (vacation)",
        "X-Autoreply: yes",
        "X-Auto-Response-Suppress: All",
        "X-Autorespond: Away",
        "Precedence: auto_reply",
        "Content-Type: multipart/report; report-type=delivery-status",
    ],
)
def test_headers_of_machines(header: str) -> None:
    assert says_automatic(f"From: pat@zen.example\r\n{header}\r\nSubject: Away\r\n\r\nI am away.")
    assert not says_automatic(f"From: pat@zen.example\r\n\r\nQuoted:\r\n{header}")


@pytest.mark.parametrize("header", ["Auto-Submitted: no", "Precedence: bulk", "Subject: Auto-Submitted: yes"])
def test_headers_of_people(header: str) -> None:
    assert not says_automatic(f"{header}\n\nYes.")


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
def test_any_source_is_read(source: str) -> None:
    assert isinstance(read_raw_mail(source), RawMail)
    read_raw_mail(f"Content-Type: {source}\nContent-Transfer-Encoding: {source}\n\n{source}")
