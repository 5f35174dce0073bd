"""The letters of languages beyond a to z: what a text read in the wrong encoding does not keep to."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["ALPHABETS", "FAMILIAR", "SIGNS"]

# Each begins with the letters that are most frequent.
_LATIN = {
    "Albanian": "ëç",
    "Catalan": "óàéíèçòúï·ü",
    "Croatian or Slovenian": "čšćžđ",
    "Czech": "íářčéýžěšůúóňťď",
    "Danish or Norwegian": "æøåéàèòóôüäö",
    "Dutch": "éëïóöüáíúêçè",
    "English": "éèñçïöêëüûôâàäåøæœ",
    "Estonian": "äõüöžš",
    "Finnish or Swedish": "äöåéàü",
    "French": "éàèêôîçâùûœëïüæÿ",
    "German": "üäößéèàçñôê",
    "Hungarian": "áéöíóőüúű",
    "Icelandic": "ðáæíþóöúýé",
    "Italian": "èàòùéìíîóú",
    "Latvian": "āēīšļūņķžģčŗ",
    "Lithuanian": "šėųįąžčūę",
    "Polish": "łżąśęćóńź",
    "Portuguese": "ãçáíéóõúêâàôüº",
    "Romanian": "ățșîâşţ",
    "Slovak": "áíčýúťéžľšôóňäďĺŕ",
    "Spanish": "óáíúñéüçª",
    "Turkish": "ıçşüğöâîûİ",
}
_CYRILLIC = {
    "Belarusian": "анырекліятдсопцумвзьўэчбгйшжфюхё",
    "Bulgarian": "аеоинтрсвдлпзкмуъячгбцжщхйшюфь",
    "Macedonian": "аеоитнрдвксмлпујзбгчшцжќхфѓњљџѕѐѝ",
    "Russian": "оеаинтрслвпкдмуяыьгзбчйхжшюцщэфъё",
    "Serbian": "аеионртскупдвмјлбгзчшћжцхњљфђџ",
    "Ukrainian": "оанивтерікслдмупязьбгйчхцюєїшжщфґ",
}
_GREEK = {"Greek": "αοιεστνηυρπκμλωςήίγέόάδχθφύβξζώψϋϊΐΰ"}
_HEBREW = {"Hebrew": "יותלהמרנשאבקפעדחםגסכטצןזךףץ־׳״₪ְֱֲֳִֵֶַָֹֻּׁׂ"}
_ARABIC = {
    "Arabic": "اليومنترةبعدسكفحقهأجشصطضخذغزثئظءؤآىإًٌٍَُِّْـ،؛؟",
    "Persian": "اینردهمتوسشبلکگپخزفقجحعطصغچضثذظئآژءأؤيكةًَُِّ،؛؟",
}
_THAI = {"Thai": "".join(map(chr, [*range(0x0E01, 0x0E3B), *range(0x0E3F, 0x0E5C)]))}
_LEADING = 4  # letters: half of those that are not ASCII, in most Latin alphabets
_FAMILIAR = 12  # letters: about two thirds of a text, in any alphabet


def _letters(languages: Mapping[str, str]) -> Mapping[str, frozenset[str]]:
    return MappingProxyType({name: frozenset(one + one.upper()) for name, one in languages.items()})


def _frequent(languages: Mapping[str, str]) -> frozenset[str]:
    return frozenset("".join(one[:_FAMILIAR] for one in languages.values()))


ALPHABETS: Mapping[str, Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "Arabic": _letters(_ARABIC),
        "Cyrillic": _letters(_CYRILLIC),
        "Greek": _letters(_GREEK),
        "Hebrew": _letters(_HEBREW),
        "Latin": _letters(_LATIN),
        "Thai": _letters(_THAI),
    }
)
"""By script and language, the letters that texts hold beside those of ASCII, common loans included."""

FAMILIAR: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        **{
            script: _frequent(languages)
            for script, languages in (
                ("Arabic", _ARABIC),
                ("Cyrillic", {"Russian": _CYRILLIC["Russian"], "Ukrainian": _CYRILLIC["Ukrainian"]}),
                ("Greek", _GREEK),
                ("Hebrew", _HEBREW),
            )
        },
        **{name: frozenset(one[:_LEADING]) for name, one in _LATIN.items()},
        "Chinese": frozenset(
            "的一是不了在人有我他这這个個们們中来來上大为為和国國地到以说說时時要就出会會也你很好"
        ),
        "Japanese": frozenset("のいはかとたしにるでをがまなてっもすらりうくこれあそさきだ、。"),
        "Korean": frozenset("이다는의을가에고하지한은로를기사도서자리니어그인나해습합"),
    }
)
"""By script, or Latin language, the most frequent letters: a text misread as another has few of them."""

SIGNS = frozenset("\u200c\u200d\u200e\u200f«»‹›“”„‘’‚–—…•·¿¡§°€£¥©®™²³½¼¾×±ºª№\xa0¨´")
"""What is no letter and stands in texts of many languages."""
