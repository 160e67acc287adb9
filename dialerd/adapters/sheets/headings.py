"""What headings mean, in English, Vietnamese and Polish, whatever their accents and capitals.

Never takes one column for two things, and never a heading it does not know for a phone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import msgspec

from dialerd.adapters.sheets.letters import letters
from dialerd.ports.sheets import ContactMapping, Mapping, RecordField

_WORDS = re.compile(r"[^\W_]+")
_PLAIN = str.maketrans({"đ": "d", "ł": "l", "ø": "o", "ß": "ss"})
PHONE = (
    "phone", "phone number", "telephone", "telephone number", "tel", "tel no", "mobile", "mobile phone", "mobile number",
    "mobile no", "cell", "cell phone", "cellphone", "phone no", "contact number", "msisdn", "phonenumber",
    "điện thoại", "số điện thoại", "sđt", "số đt", "đt", "dđ", "đtdđ", "di động", "số di động", "điện thoại di động",
    "số điện thoại di động", "số điện thoại khách hàng", "sđt khách hàng", "sđt kh", "số máy", "điện thoại khách hàng",
    "telefon", "numer telefonu", "nr telefonu", "nr tel", "numer tel", "numer", "tel kom", "komórka", "telefon komórkowy",
    "numer komórki", "nr komórki", "telefon kontaktowy", "numer kontaktowy", "tel komórkowy",
)  # fmt: skip
"""Headings of a phone, the likelier first."""
NAME = (
    "name", "full name", "fullname", "customer name", "customer", "contact name", "contact", "client", "client name",
    "họ tên", "họ và tên", "tên", "tên khách hàng", "họ tên khách hàng", "khách hàng", "tên kh", "họ và tên khách hàng",
    "tên đầy đủ",
    "imię i nazwisko", "nazwisko i imię", "imię nazwisko", "nazwisko", "imię", "klient", "nazwa klienta", "nazwa",
)  # fmt: skip
_FURTHER = (
    "other phone", "phones", "other phones", "further phones",
    "second phone", "secondary phone", "home phone", "work phone", "office phone", "alternative phone",
    "alternate phone", "landline", "điện thoại khác", "số điện thoại khác", "sđt khác", "điện thoại nhà", "sđt phụ",
    "điện thoại cơ quan", "điện thoại bàn", "sđt nhà", "sđt bàn", "số máy bàn", "số phụ", "inny telefon", "telefon domowy",
    "telefon stacjonarny", "telefon służbowy", "drugi telefon", "dodatkowy telefon", "telefon dodatkowy", "inny numer",
)  # fmt: skip

EMAIL = ("email", "e mail", "email address", "mail", "địa chỉ email", "thư điện tử", "adres e mail", "adres email")
ADDRESS = ("address", "street address", "home address", "địa chỉ", "địa chỉ khách hàng", "adres", "adres zamieszkania")
OWNER = ("account manager", "nhân viên phụ trách", "người phụ trách", "opiekun", "opiekun klienta")
ZONE = ("time zone", "timezone", "múi giờ", "strefa czasowa")
ACTION = ("brought by", "joining action", "hành động tham gia", "tham gia từ", "co sprowadziło")
LIST = ("list name", "lead list", "tên danh sách", "nazwa listy")
PRIORITY = ("dialing priority", "lead priority", "độ ưu tiên gọi", "priorytet dzwonienia")
CODE = ("code", "pid", "contact code", "customer code", "mã khách hàng", "mã kh", "mã liên hệ", "kod", "kod klienta")
KIND = ("kind", "type", "contact type", "loại", "loại khách hàng", "rodzaj", "typ")
STATUS = ("status", "trạng thái")
INDUSTRY = ("industry", "ngành", "ngành nghề", "branża")
CHANNEL = ("channel", "kênh", "kanał")
TAGS = ("tags", "tag", "nhãn", "thẻ", "tagi", "etykiety")


def folded(text: str) -> str:
    """Words in small letters, without accents, signs and doubled spaces: how headings are compared."""
    apart = unicodedata.normalize("NFD", text.casefold().translate(_PLAIN))
    bare = "".join(c for c in apart if not unicodedata.combining(c)).translate(_PLAIN)
    return " ".join(_WORDS.findall(bare))


_PHONE = {folded(words): rank for rank, words in enumerate(PHONE)}
_NAME = {folded(words): rank for rank, words in enumerate(NAME)}
_WHOLE = {
    "email": {folded(words) for words in EMAIL},
    "address": {folded(words) for words in ADDRESS},
    "zone": {folded(words) for words in ZONE},
    "owner": {folded(words) for words in OWNER},
    "action": {folded(words) for words in ACTION},
    "list_name": {folded(words) for words in LIST},
    "priority": {folded(words) for words in PRIORITY},
}
"""What a lead has beside phones and a name, to its headings."""
_OF_CONTACT = {
    "code": CODE, "kind": KIND, "name": NAME, "phone": PHONE, "email": EMAIL, "address": ADDRESS, "status": STATUS,
    "industry": INDUSTRY, "channel": CHANNEL, "owner": ("owner", *OWNER), "tags": TAGS,
}  # fmt: skip
_CONTACT = {target: {folded(words): rank for rank, words in enumerate(each)} for target, each in _OF_CONTACT.items()}
_OTHERS = {folded(words) for words in _FURTHER}


def suggest(headings: Sequence[str], fields: Sequence[RecordField]) -> Mapping:
    """Phone, further phones, name and fields; what is left is kept. Columns are told by letter where a heading is double."""
    words = [_word(heading) for heading in headings]
    free = [at for at, word in enumerate(words) if word]
    told = [_told(headings, at) for at in range(len(headings))]
    chosen: dict[str, str] = {}
    # A field that is called so by the campaign comes before words that anybody uses, and its label before its name.
    for called in ((field.label or field.name for field in fields), (field.name for field in fields)):
        for field, name in zip(fields, called, strict=True):
            at = next((at for at in free if words[at] == _word(name)), None)
            if at is not None and field.name not in chosen:
                free.remove(at)
                chosen[field.name] = told[at]
    phones = sorted((_PHONE[_bare(words[at])], at) for at in free if _bare(words[at]) in _PHONE)
    # "Phone" before "Phone 2", and a word of the list's beginning before one of its end.
    phones.sort(key=lambda each: (_count(words[each[1]]), each))
    phone = phones[0][1] if phones else next((at for at in free if _bare(words[at]) in _OTHERS), None)
    further = sorted([at for _, at in phones] + [at for at in free if _bare(words[at]) in _OTHERS])
    names = sorted((_NAME[words[at]], at) for at in free if words[at] in _NAME)

    def one(among: set[str]) -> str:
        return next((told[at] for at in free if words[at] in among), "")

    mapping = Mapping(
        phone="" if phone is None else told[phone],
        name=told[names[0][1]] if names else "",
        phones=tuple(told[at] for at in dict.fromkeys(further) if at != phone),
        fields=chosen,
    )
    return msgspec.structs.replace(mapping, **{target: one(among) for target, among in _WHOLE.items()})


def suggest_contacts(headings: Sequence[str]) -> ContactMapping:
    """The mapping that the headings of a list of contacts suggest; a second phone stays a further field."""
    words = [_word(heading) for heading in headings]
    chosen: dict[str, str] = {}
    for target, known in _CONTACT.items():
        found = sorted((known[word], at) for at, word in enumerate(words) if word in known)
        if found:
            at = found[0][1]
            chosen[target] = _told(headings, at)
            words[at] = ""
    return msgspec.structs.replace(ContactMapping(), **chosen)


def _word(heading: str) -> str:
    """As headings are compared; one of signs alone as it stands."""
    return folded(heading) or heading.strip().casefold()


def _bare(word: str) -> str:
    """Without the number of a second or third phone."""
    return re.sub(r" ?[0-9]$", "", word)


def _count(word: str) -> int:
    found = re.search(r"([0-9])$", word)
    return int(found[1]) if found else 0


def _told(headings: Sequence[str], at: int) -> str:
    same = [heading.casefold() for heading in headings].count(headings[at].casefold())
    return headings[at] if same == 1 else letters(at)
