"""Made-up names by a family's background, with ethnicity, faiths, languages and nationalities. No one is real."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Background:
    """Names that go together, and the ethnicity, faiths, languages and nationalities of these families."""

    weight: int
    ethnicity: str
    faiths: tuple[str, ...]
    languages: tuple[str, ...]
    nationalities: tuple[str, ...]
    girls: str
    boys: str
    families: str
    local: tuple[tuple[str, str], ...] = ()  # a family name and how it is written at home


BACKGROUNDS = (
    Background(
        56,
        "White British",
        ("None", "None", "Christian"),
        ("English",),
        ("British",),
        "Amelia Isla Ava Evie Freya Poppy Zoë Chloë Harriet Beatrix Imogen Matilda Rosalind Tabitha Philippa Ottilie "
        "Winifred Martha Esme Thea Clementine Jemima Cordelia Orla Saskia Elowen",
        "Oliver Arthur Noah Alfie Jasper Rupert Barnaby Felix Hugo Toby Edmund Ralph Wilfred Fraser Rory Callum Angus "
        "Dylan Rhys Ivo Ned Casper Laurence Gethin Digby Fergus",
        "Ashdown Birtwhistle Cotterill Dunmore Eastlake Fairweather Garside Hathersage Ibbotson Jessop Kettlewell "
        "Langstaff Micklethwait Norcross Oakeshott Postlethwaite Quennell Ravenscroft Smallbone Thistlewood Underhill "
        "Vickerstaff Wigglesworth Yarborough Fitz-Warren Llewellyn-Pryce Applegarth Brocklebank Cattermole Dalrymple "
        "Entwistle Fothergill Grimshaw Hebblethwaite Ingleby Kerridge Lumley Murgatroyd Netherwood Pinkney",
    ),
    Background(
        5,
        "White Irish",
        ("Christian", "Christian", "None"),
        ("English", "Irish"),
        ("Irish", "British"),
        "Aoife Niamh Róisín Caoimhe Sadhbh Éabha",
        "Oisín Cillian Fionn Darragh Séamus Tadhg",
        "O'Brien O'Shaughnessy McGillycuddy Ó'Dálaigh Geraghty Mac-Giolla",
    ),
    Background(
        6,
        "Any other White background",
        ("Christian", "None"),
        ("Polish", "Spanish", "German", "Czech"),
        ("Polish", "Spanish", "German", "Czech"),
        "Zofia Lucía Małgorzata Inés Käthe Markéta",
        "Łukasz Íñigo Jürgen Ondřej Nicolás Björn",
        "Nuñez Wiśniewska-Zając Müller-Thal Dvořáček Ibáñez Szczepański Großmann",
    ),
    Background(
        10,
        "Indian",
        ("Hindu", "Sikh", "Hindu", "None"),
        ("English", "Gujarati", "Punjabi", "Hindi"),
        ("British", "Indian"),
        "Ananya Diya Ishani Kavya Meera Simran Tanvi Jasleen",
        "Arjun Dev Ishaan Kabir Rohan Veer Harjeet Nikhil",
        "Bhattacharjee Chaudhuri Dhaliwal Ghelani Jagatia Kalsi Mehta-Rao Sandhu Vaidya Wadhwani",
    ),
    Background(
        7,
        "Pakistani",
        ("Muslim",),
        ("English", "Urdu", "Punjabi"),
        ("British", "Pakistani"),
        "Aisha Hafsa Maryam Noor Zainab Iqra",
        "Bilal Hamza Idris Yusuf Zakariya Haroon",
        "Ansari Bukhari-Khan Qureshi Rehmani Siddiqui Tareen Warraich",
    ),
    Background(
        5,
        "Black African",
        ("Christian", "Muslim", "Christian"),
        ("English", "Yoruba", "Igbo", "Somali"),
        ("British", "Nigerian", "Ghanaian"),
        "Adaeze Folasadé Ngozi Temitope Abena Ifrah",
        "Chidi Kwabena Olumide Tobenna Ayodele Kofi",
        "Adeyemi-Cole Okonkwo-Bright Mensah Nwachukwu Owusu-Ansah Abdirahman",
    ),
    Background(
        4,
        "Black Caribbean",
        ("Christian", "None"),
        ("English",),
        ("British", "Jamaican"),
        "Chantelle Keziah Renée Shanice",
        "D'Andre Jermaine Malachi Tyrell",
        "Beckford-Lyle Cuthbertson Desmangles St.-Clair",
    ),
    Background(
        4,
        "Chinese",
        ("None", "Buddhist"),
        ("Mandarin", "Cantonese", "English"),
        ("Chinese", "British"),
        "Meilin Jiaqi Xinyi Yuhan",
        "Haoran Junjie Wei Zihan",
        "Li Wang Zhāng Ouyang Chén",
        (("Li", "李"), ("Wang", "王"), ("Zhāng", "张"), ("Ouyang", "欧阳"), ("Chén", "陈")),
    ),
    Background(
        3,
        "Arab",
        ("Muslim",),
        ("Arabic", "English"),
        ("Egyptian", "Iraqi", "British"),
        "Layla Rania Yasmin Dalia",
        "Karim Tariq Omar Sami",
        "Al-Khatib El-Masri Haddad-Noor Benyahia",
    ),
)


def background(rng: Random) -> Background:
    """Draw a family's background."""
    return rng.choices(BACKGROUNDS, weights=[choice.weight for choice in BACKGROUNDS])[0]


def first_name(rng: Random, kind: Background, gender: str) -> str:
    """Draw a first name, from both lists for a student who is neither a girl nor a boy."""
    pool = {"Female": kind.girls, "Male": kind.boys}.get(gender, f"{kind.girls} {kind.boys}")
    return rng.choice(pool.split())


def family_name(rng: Random, kind: Background) -> str:
    """Draw a family name."""
    return rng.choice(kind.families.split())


def local_name(kind: Background, family: str) -> str | None:
    """Return the name in the family's own script, if that is not the Latin one."""
    return dict(kind.local).get(family)
