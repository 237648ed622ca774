"""Every key that DPPP adds to FastReID's config, with its meaning and the paper's symbol."""

from fastreid.config import CfgNode as CN

PRECISIONS = ("fp32", "bf16")
LOSSES_OF_PHASE = {1: ("L1_SupCon", "L1_ReID", "L_Tri-txt"), 2: ("L2_ReID", "L2_SupCon")}
LOSSES = LOSSES_OF_PHASE[1] + LOSSES_OF_PHASE[2]
COMPILE_MODES = ("", "default", "reduce-overhead", "max-autotune")
PROMPT_STRATEGIES = ("style-content", "content", "generic")
STYLE_TOKEN_NORMS = ("unit", "patch")
UNREALPERSON_ALL_PARTS = tuple(f"unreal_v{x}.{y}" for x in (1, 2, 3, 4) for y in (1, 2, 3))
UNREALPERSON_PARTS = ("unreal_v1.1", "unreal_v2.1", "unreal_v3.1", "unreal_v4.1")


def add_dppp_config(cfg: CN) -> None:
    """Add DPPP's keys, at the paper's values, to a FastReID config (in place)."""
    # Seed of every random number of a run, 0 or more. Two runs with one seed are the same.
    cfg.SEED = 0

    # True: dppp-train lets a GPU compute products of float32 matrices and convolutions in TF32,
    # which keeps 10 bits of each factor, in training and evaluation.
    cfg.TF32 = False

    # cpu, cuda, cuda:N, or auto: cuda if torch sees a GPU, else cpu.
    cfg.MODEL.DEVICE = "auto"

    # Probability, 0 to 1, that a training image loses its colors, after FastReID's color jitter.
    cfg.INPUT.GRAYSCALE_PROB = 0.0
    # True: each channel of an image is normalized by its own mean and standard deviation, in
    # training and everywhere else, instead of by MODEL.PIXEL_MEAN and PIXEL_STD.
    cfg.INPUT.INSTANCE_NORM = False

    # Folders under FASTREID_DATASETS that hold data sets made by geneperson. Each becomes a data
    # set named after its folder, for DATASETS.NAMES and DATASETS.TESTS. "GenePerson" is always one.
    cfg.DATASETS.GENEPERSON_DIRS = ()
    # The same for folders of your own in Market-1501's layout: bounding_box_train, query and
    # bounding_box_test with <pid>_c<camera>...jpg or .png, any numbers.
    cfg.DATASETS.MARKET_STYLE_DIRS = ()
    # Parts of UnrealPerson to train on, from UNREALPERSON_ALL_PARTS; the default is Table III's.
    cfg.DATASETS.UNREALPERSON_PARTS = UNREALPERSON_PARTS

    # Where decoded training images are kept: "" (nowhere, files are read each time) or "ram" (in
    # memory that the workers share, if they fit). Batches are the same.
    cfg.DATALOADER.CACHE = ""
    # FastReID's key, with one more value: -1 takes the cores of the process, at most 8.
    cfg.DATALOADER.NUM_WORKERS = 8

    # Contrast of each image with one prototype of every identity, a cross-entropy over cosines.
    prototype = cfg.MODEL.LOSSES.PROTOTYPE = CN()
    # What the loss is multiplied by, 0 or more; 0: off. CLIPDPPP has it in phase 1, on v_g.
    prototype.SCALE = 0.0
    # Share of a prototype that a batch with its identity leaves, 0 or more and below 1.
    prototype.MOMENTUM = 0.2
    # What cosines are divided by.
    prototype.TEMPERATURE = 0.05

    # Epochs of phase 1 (pseudo-words) and of phase 2 (de-stylization). CLIPDPPP ignores
    # SOLVER.MAX_EPOCH, which FastReID's other meta-architectures use. SOLVER.STEPS and
    # SOLVER.WARMUP_ITERS restart in each phase.
    cfg.SOLVER.PHASE_EPOCHS = (20, 20)

    # Decay, 0 or more and below 1, of the exponential moving average of the weights (average.py),
    # which is what is evaluated, saved as the model and handed out; 0: off.
    cfg.SOLVER.EMA_DECAY = 0.0

    # Number format of SOLVER.AMP: "bf16", or "fp16" with a gradient scaler (CUDA only).
    cfg.SOLVER.AMP.DTYPE = "bf16"

    # Mode of torch.compile for training, one of COMPILE_MODES; "" does not compile.
    # reduce-overhead uses CUDA graphs. The first step of each phase takes a minute longer, and
    # digits change within rounding.
    cfg.SOLVER.COMPILE = ""

    # Number format in which test images are encoded, one of PRECISIONS; ranking stays in fp32.
    cfg.TEST.PRECISION = "fp32"
    # Neighbor feature centralization (Pose2ID): to each feature of queries and gallery, add those
    # of its mutual nearest neighbors: j is among the K1 nearest of i, and i among the K2 nearest
    # of j. Transductive, as AQE and RERANK are: a score depends on the other test images.
    cfg.TEST.NFC = CN()
    cfg.TEST.NFC.ENABLED = False
    cfg.TEST.NFC.K1 = 2
    cfg.TEST.NFC.K2 = 2

    # Number of steps between two records of the losses in console, metrics.json and TensorBoard.
    cfg.SOLVER.LOG_PERIOD = 50

    dppp = cfg.MODEL.DPPP = CN()

    # open_clip's name of the CLIP model.
    dppp.CLIP_NAME = "ViT-B-16-quickgelu"
    # Its weights: an open_clip tag ("openai"), "procedural" for the package's own small model, a
    # local file (.safetensors, .pt, .bin), or "" for random ones. Training always reads them, as
    # checkpoints do not hold the frozen text tower; evaluation does not.
    dppp.CLIP_PRETRAINED = "openai"

    # Which phases run: (1, 2), (1,) or (2,). (2,) needs a phase-1 checkpoint in MODEL.WEIGHTS, or
    # --resume. A phase without an active loss is skipped.
    dppp.PHASES = (1, 2)

    # n, the number of style elements T_s, Eq. 2.
    dppp.NUM_STYLE_TOKENS = 24
    # k, the number of style words kept by GFLFM, Eq. 4. k = n switches the filter off.
    dppp.NUM_STYLE_WORDS = 6
    # How large T_s starts, one of STYLE_TOKEN_NORMS: "unit" for a norm of about 1, "patch" for
    # sqrt(d2), nearer to that of the patch tokens beside it.
    dppp.STYLE_TOKEN_NORM = "unit"
    # Layers and heads of the Transformer of Eq. 2.
    dppp.STYLE_LAYERS = 3
    dppp.STYLE_HEADS = 1
    # Hidden widths of f_theta (Eq. 1) and f_phi (Eq. 5).
    dppp.CONTENT_HIDDEN = 512
    dppp.STYLE_HIDDEN = 2048
    # True: stop the gradient at v_g, so the text losses do not update the visual encoder.
    dppp.DETACH_INVERSION_INPUT = False

    # True: v_c = v_g + P_s(v_g), identity-initialized, and the classifier of v_c starts as that of
    # v_g; False: v_c = P_s(v_g), Eq. 14, with a new classifier.
    dppp.DESTYLIZATION_RESIDUAL = False

    # tau of Eqs. 7, 8 and 15; similarities are cosines.
    dppp.TEMPERATURE = 0.07
    # True: log(1 / tau) is a parameter that starts at TEMPERATURE.
    dppp.TEMPERATURE_LEARNABLE = False

    # delta of Eq. 9.
    dppp.TEXT_TRIPLET = CN()
    dppp.TEXT_TRIPLET.MARGIN = 0.3

    # Which words stand for an image in L1_SupCon: one of PROMPT_STRATEGIES (Table V).
    dppp.PROMPTS = CN()
    dppp.PROMPTS.STRATEGY = "style-content"
    dppp.PROMPTS.STYLE_CONTENT = "a {style} style of a {content} person"
    dppp.PROMPTS.CONTENT = "a photo of a {content} person"
    dppp.PROMPTS.GENERIC = "a photo of a person"

    # Which terms of Eqs. 13 and 16 are on (Table IV), and what each is multiplied by.
    dppp.LOSSES = LOSSES
    dppp.LOSS_WEIGHTS = CN()
    dppp.LOSS_WEIGHTS.L1_SUPCON = 1.0
    dppp.LOSS_WEIGHTS.TRI_TXT = 1.0
    dppp.LOSS_WEIGHTS.L2_SUPCON = 1.0
    # The weights of L1_ReID and L2_ReID are FastReID's MODEL.LOSSES.CE.SCALE and TRI.SCALE.
