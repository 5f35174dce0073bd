"""The tables of the UCI repository: what each file holds, and which of its columns are names.

One gzipped csv a table, with a header; a missing cell is a question mark. The files are converted copies, so
their digests are ours and no public address holds these bytes.
"""

from dataclasses import dataclass
from typing import final

from nextlabel.datasets.listing import Listing, PublishedFile

__all__ = ["ALL", "TABLES", "Table"]

ALL = ("*",)
"""Every column but the class holds names."""

_ORIGINS = {
    "krkopt": "algnote/ensemble and nono9212/COMP551_HM1",
    "mofn_3_7_10": "XuanxiangHuang/dtree2dset",
    "poker_hand_25010": "johnnyqjy/Data-Sci-Assignments",
}


@final
@dataclass(frozen=True)
class Table:
    """One table.

    Parameters
    ----------
    name : str
        Of the file, and in the registry.
    items, classes : int
        How many whole rows and how many classes there are.
    target : str
        The column of the class.
    size : int
        Of the gzipped file, in bytes.
    sha256 : str
        Of the gzipped file.
    title : str
        What a row is.
    nominal : tuple of str
        The columns whose cells are names, also where these are written as digits; or `ALL`.
    aside : str
        A column that is no feature: an item's name, or its part.
    last : int
        How many rows at the end are the official test part.
    """

    name: str
    items: int
    classes: int
    target: str
    size: int
    sha256: str
    title: str
    nominal: tuple[str, ...] = ()
    aside: str = ""
    last: int = 0

    @property
    def listing(self) -> Listing:
        """What is known of the set without reading it."""
        is_uci = self.name != "mofn_3_7_10"
        return Listing(
            name=self.name,
            items=self.items,
            classes=self.classes,
            medium="row",
            description=f"{self.items:,} {self.title}, in {self.classes} classes",
            licence="UCI, mostly CC BY 4.0" if is_uci else "none stated",
            citation=(
                "Dua, Graff. UCI Machine Learning Repository. University of California, Irvine, 2019."
                if is_uci
                else "Olson, La Cava, Orzechowski, Urbanowicz, Moore. PMLB. BioData Mining 10:36, 2017."
            ),
            folder="uci",
            files=(PublishedFile(f"{self.name}.csv.gz", self.size, self.sha256),),
            origin=f"{_ORIGINS.get(self.name, 'renatopp/arff-datasets')} on GitHub, converted",
        )


# fmt: off
TABLES = (
    Table("balance_scale", 625, 3, "class", 1_297,
          "48eb7c5958c8f89f9d0649faf073a22eb87815d57b0106341841a8fe80107f12",
          "balances of a scale with two weights and two distances"),
    Table("breast_cancer", 286, 2, "Class", 1_704,
          "104662e08b5c15d3922a86a597000acdcd6215c28cf84cbb7ac3583a248fec77",
          "breast cancer patients and whether the cancer came back (Ljubljana)", nominal=ALL),
    Table("breast_w", 699, 2, "Class", 3_260,
          "51289df0110f082a257216bb667d1f901edfb0c6166e05256f76068a45750edb",
          "breast tumours by nine cytological grades (Wisconsin)"),
    Table("car", 1_728, 4, "class", 4_434,
          "2805358931a8a7fb92c4090b488120b7cab42a361a558371c8fc19667ad074ba",
          "cars judged by price, comfort and safety", nominal=ALL),
    Table("credit_a", 690, 2, "class", 8_693,
          "62d39f2b78cf2086b8064f39562a955f7a25f3ef50b03bb7515da023aeded0e6",
          "credit card applications (crx), attributes made anonymous",
          nominal=("A1", "A4", "A5", "A6", "A7", "A9", "A10", "A12", "A13")),
    Table("credit_g", 1_000, 2, "class", 15_046,
          "783fc2f820bd03571115b5f460f6d1573f5e3915ff513fade0a3aef09f7c99ee",
          "German bank customers as credit risks",
          nominal=("checking_status", "credit_history", "purpose", "savings_status", "employment",
          "personal_status", "other_parties", "property_magnitude", "other_payment_plans", "housing", "job",
          "own_telephone", "foreign_worker")),
    Table("ecoli", 336, 8, "class", 2_609,
          "9aa6de702da27803e30ce939bdbc99099c34dfbe55837d1e81f89445a759b429",
          "proteins of E. coli by where they are in the cell"),
    Table("glass", 214, 6, "Type", 3_675,
          "7e1ace1da11324339f417ef1fb22ea8f029446e94471bef48a35d4d13b66cf91",
          "pieces of glass by chemical composition"),
    Table("haberman", 306, 2, "Survival_status", 976,
          "8eaeb95d63d5f7dbd638e6646013b88f65db4730576c37a0169f6e40245b2b08",
          "breast cancer patients who lived on for five years after surgery or not"),
    Table("heart_c", 303, 2, "num", 3_829,
          "1b1e9d8e01ae2903bb5b59e7632ed25f11ee8eca3984fd331c6754174943e4f2",
          "heart patients of Cleveland", nominal=("sex", "cp", "fbs", "restecg", "exang", "slope", "thal")),
    Table("heart_h", 294, 2, "num", 2_800,
          "ac4ddc9d85454346a1ffac8dd8c41df1f14f22b9a2439aadbfb158cf4c88311d",
          "heart patients of Hungary",
          nominal=("sex", "chest_pain", "fbs", "restecg", "exang", "slope", "thal")),
    Table("heart_statlog", 270, 2, "class", 3_154,
          "9d7c5bd2bab441bb65c16b668ada82745d44f3d5dc4222e7c1327a1b40215084",
          "heart patients of the Statlog project"),
    Table("hepatitis", 155, 2, "Class", 2_239,
          "c611251666921b0abe2f68674999c9720dad89c8e833dcfabb0d64234761e43d",
          "hepatitis patients who live or die",
          nominal=("SEX", "STEROID", "ANTIVIRALS", "FATIGUE", "MALAISE", "ANOREXIA", "LIVER_BIG",
          "LIVER_FIRM", "SPLEEN_PALPABLE", "SPIDERS", "ASCITES", "VARICES", "HISTOLOGY")),
    Table("ionosphere", 351, 2, "class", 28_134,
          "d9db1c0018191cab9a447a3b1b74023ffb010193e8643da60ae8eb23201054cb",
          "radar returns from the ionosphere"),
    Table("iris", 150, 3, "class", 875,
          "bbeb0922c170d6162295be531f4613c6ef98dcb320970458e8b3b7fef9cb4946",
          "iris flowers by four lengths"),
    Table("kr_vs_kp", 3_196, 2, "class", 12_111,
          "d37f8c77917f3741fbb37c8f50b9d8f1d65bdf9197bd5f74f86d6822cab0a549",
          "chess positions of king and rook against king and pawn", nominal=ALL),
    Table("krkopt", 28_056, 18, "class", 73_604,
          "fa079f9876835d32b6293db4914c61e283c9cb25b35ff8941b2bfd24abed9628",
          "chess positions of king and rook against king, by moves to mate", nominal=ALL),
    Table("letter", 20_000, 26, "class", 186_830,
          "026eae70aa179fbf6e2918924791a51dd616fbae6434fe2779474b8cd9299a57",
          "capital letters by sixteen numbers made of their pixels"),
    Table("mofn_3_7_10", 1_324, 2, "target", 3_611,
          "b5893be76ed8102ef06eee45988f5fd609b2b0749aab6fb5bd9c728308db44eb",
          "rows of ten bits, positive where at least three of seven are set"),
    Table("mushroom", 8_124, 2, "class", 29_236,
          "51d755a3183363e105e50597978f2ad8e7565176e55d9d639631315926d5e316",
          "mushrooms, edible or poisonous", nominal=ALL),
    Table("nursery", 12_960, 5, "class", 40_274,
          "79e604724e8d76ef135657a2d2d4d2b26b0548d34f3790c2bea2c3591ea868dd",
          "applications for nursery schools, ranked", nominal=ALL),
    Table("optdigits", 5_620, 10, "class", 165_499,
          "9b7aad9c061283f2be5a598c03021409cb4bb69178a2c87140e60d33c57ac171",
          "handwritten digits, each a grid of 8 × 8 counts", last=1797),
    Table("page_blocks", 5_473, 5, "class", 84_503,
          "4c1c137ab4060169e0974a47f6f5d7da822b7147720fb59c49b096aab37ef559",
          "blocks of scanned pages by kind of content"),
    Table("pima_diabetes", 768, 2, "class", 9_291,
          "97156cf150a2612ba482c12747714c1ccfb12eb801538dc1177f79319741b7a2",
          "women of Pima heritage tested for diabetes"),
    Table("poker_hand_25010", 25_008, 10, "class", 148_332,
          "a22a07e0db41578c60abcf8f9c1464c24d48fd26c202d8d873e5385b2c20ab93",
          "poker hands of five cards (the training part)", nominal=("S1", "S2", "S3", "S4", "S5")),
    Table("segment", 2_310, 7, "class", 91_889,
          "f77eb808e17e41c0363453a53c0c55a3fee64110d88034dab7a6e2909424308d",
          "regions of 3 × 3 pixels of outdoor photographs"),
    Table("solar_flare1", 323, 6, "class", 1_176,
          "3c875e3d2609b918ed32e3917918bc0e9eeb8de6f57c666af86360c6f33d41dc",
          "active regions of the sun, by their modified Zurich class (first part)", nominal=ALL),
    Table("solar_flare2", 1_066, 6, "class", 2_887,
          "9e9e17817e543c5939ef126b9fecb5579620a7d69ba5dfa18e386adebfe6577c",
          "active regions of the sun, by their modified Zurich class (second part)", nominal=ALL),
    Table("sonar", 208, 2, "Class", 28_284,
          "6a945b6e5afed6367df95e8b40b22f2c81e15c7c9d06170cca6c3ee03d2d5422",
          "sonar returns from mines and rocks"),
    Table("soybean", 683, 19, "class", 7_100,
          "f950346ab488258deef0a0a1b6b682242fb25f57774badbc7135d1e1af7ffc21",
          "soybean plants by disease", nominal=ALL),
    Table("spambase", 4_601, 2, "class", 121_832,
          "6aa0f5465a674cd0b5c41d2a4a8f238194be640113ad015fed9336118d055809",
          "mails by word frequencies, spam or not"),
    Table("splice", 3_190, 3, "Class", 81_429,
          "dbeb09daea050a65d4fd54fa55ecbff11d73cf20d6e668978534a5fdf5d0ea55",
          "DNA windows of sixty bases around splice junctions", nominal=ALL, aside="Instance_name"),
    Table("tic_tac_toe", 958, 2, "Class", 3_004,
          "7ae42ca32f10ff3891fb94e4cb65d2e2231ce6b964386113177189a697410c64",
          "end positions of tic-tac-toe, won by x or not", nominal=ALL),
    Table("vehicle", 846, 4, "Class", 18_791,
          "7598ab693993c7c774d16f52203aa9a0e99193806e2644c6782d9afbd306d97f",
          "silhouettes of vehicles by shape measures"),
    Table("vote", 435, 2, "Class", 2_094,
          "14be5e9583439912b4d51e54c550e80e2963dd51e65976fd0a50836ee68c68a3",
          "members of Congress by sixteen votes of 1984", nominal=ALL),
    Table("vowel", 990, 11, "Class", 24_952,
          "3812070cb975f3a585243440e39b32bf0c3e2e09ddbe1eaaf3acf5f446090074",
          "vowels spoken by fifteen speakers", nominal=("Speaker Number", "Sex"), aside="Train or Test"),
    Table("waveform5000", 5_000, 3, "class", 344_875,
          "29e9cc53dc5aad98452e667bd224c38a6f0d442ff9e0eb628f0e0f38e79f9d7b",
          "generated waveforms of three kinds with 19 columns of noise"),
)
# fmt: on
