"""Equal people have equal values."""

import pytest

from headrace.events.inbox import Address, Identity
from headrace.providers import identities


@pytest.mark.parametrize(
    "value",
    [
        "Dana@Orbit.example",
        " dana@orbit.example ",
        "<dana@orbit.example>",
        "Dana Roe <DANA@orbit.example>",
        "mailto:dana@orbit.example",
        '"Roe, Dana" <dana@orbit.example>',
        {"address": "dana@orbit.example"},
    ],
)
def test_spellings_of_one_address(value: object) -> None:
    assert identities.email(value) == "dana@orbit.example"


@pytest.mark.parametrize("value", [None, 5, "", "dana", "dana@", "@x.example", "a b@x.example", "a@b", "x" * 2000, []])
def test_no_address(value: object) -> None:
    assert identities.email(value) is None


def test_addresses_from_lists_and_strings() -> None:
    expected = (Address(address="a@x.example", name="A"), Address(address="b@x.example"))
    assert identities.addresses("A <a@x.example>, b@x.example") == expected
    assert identities.addresses([{"email": "a@x.example", "name": "A"}, "b@x.example", "b@x.example", 5]) == expected
    assert identities.addresses(None) == ()


@pytest.mark.parametrize("separator", [",", ";", " , "])
@pytest.mark.parametrize("filling", ["", "x", "a@x.example"])
def test_a_list_of_addresses_is_read_to_its_bound(
    separator: str, filling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A megabyte of commas took a second, in which nobody else's webhook was read."""
    read: list[object] = []
    address = identities.address

    def counted(value: object) -> Address | None:
        read.append(value)
        return address(value)

    monkeypatch.setattr(identities, "address", counted)
    body = separator.join([filling] * 1_000_000)[:1_048_576]
    assert len(identities.addresses(body)) <= 1
    assert len(identities.addresses(body.split(separator)[:500_000])) <= 1
    assert len(read) <= 2_000
    assert sum(len(str(value)) for value in read) <= 2 * 65_536


def test_one_more_address_is_read_than_an_event_keeps() -> None:
    listed = [f"p{number}@x.example" for number in range(5_000)]
    assert len(identities.addresses(listed)) == len(identities.addresses(",".join(listed))) == 51


def test_what_a_bound_cuts_in_the_middle_is_nobody() -> None:
    listed = "," * 65_520 + "dana@orbit.example"
    assert identities.addresses(listed) == ()
    assert identities.addresses("," * 900 + "dana@orbit.example") == (Address(address="dana@orbit.example"),)
    link = "x" * 16_350 + "https://linkedin.com/in/ivo-lund-the-second"
    assert identities.linkedin(link) is None


def test_a_slug_that_is_too_long_is_not_taken_for_its_beginning() -> None:
    known = identities.linkedin("https://linkedin.com/in/" + "a" * 1_200)
    assert known == Identity(kind="linkedin_slug", value="a" * 1_200)
    assert identities.linkedin("https://linkedin.com/in/" + "a" * 1_201) is None
    assert identities.company_url("https://linkedin.com/company/" + "a" * 5_000) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("+1 (312) 555-0148", "+13125550148"),
        ("(312) 555-0148", "+13125550148"),
        ("13125550148", "+13125550148"),
        ("+44 20 7946 0018", "+442079460018"),
        ("0044 20 7946 0018", "+442079460018"),
        ("442079460018", "+442079460018"),
        (13125550148, "+13125550148"),
        ("12", None),
        ("call me", None),
        ("", None),
        ("+", None),
        ("1" * 100, None),
    ],
)
def test_phones_are_e164(value: object, expected: str | None) -> None:
    assert identities.phone(value) == expected


@pytest.mark.parametrize(
    "value",
    ["https://www.linkedin.com/in/Ivo-Lund/", "linkedin.com/in/ivo-lund?trk=x", "http://no.linkedin.com/in/ivo-lund#a"],
)
def test_profile_links_identify_by_slug(value: str) -> None:
    assert identities.linkedin(value) == Identity(kind="linkedin_slug", value="ivo-lund")
    assert identities.profile_url(value) == "https://www.linkedin.com/in/ivo-lund"


def test_member_ids_in_profile_links_keep_their_case() -> None:
    found = identities.linkedin("https://www.linkedin.com/in/ACoAAEx1-b/")
    assert found == Identity(kind="linkedin_id", value="ACoAAEx1-b")


def test_percent_encoded_slugs_are_decoded() -> None:
    found = identities.linkedin("https://www.linkedin.com/in/j%C3%B6rg-m")
    assert found == Identity(kind="linkedin_slug", value="jörg-m")


@pytest.mark.parametrize("value", ["https://www.linkedin.com/company/acme", "linkedin.com/school/x", "text", None, 5])
def test_company_links_identify_nobody(value: object) -> None:
    assert identities.linkedin(value) is None


def test_company_links_are_kept_as_such() -> None:
    assert identities.company_url("linkedin.com/company/Acme/about") == "https://www.linkedin.com/company/acme"
    assert identities.company_url("linkedin.com/in/acme") is None


def test_match_order_and_repeats() -> None:
    email, alias = Identity(kind="email", value="a@x.example"), Identity(kind="email", value="b@x.example", alias=True)
    contact = Identity(kind="ghl_contact_id", value="c1")
    assert identities.identities(alias, None, email, email, contact) == (contact, email, alias)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Dana Roe", ("Dana", "Roe")),
        ("Roe, Dana", ("Dana", "Roe")),
        ("Dana", ("Dana", None)),
        ("Dana van der Roe", ("Dana", "van der Roe")),
        ("dana@orbit.example", (None, None)),
        (None, (None, None)),
    ],
)
def test_split_name(value: object, expected: tuple[str | None, str | None]) -> None:
    assert identities.split_name(value) == expected
