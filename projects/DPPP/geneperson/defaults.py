"""Every setting of stage 1 with its meaning, unit and default.

``configs/GenePerson/Base.yml`` lists them too, ``sdxl.yml`` those of the models.
"""

from yacs.config import CfgNode

DEFAULTS = CfgNode()
# Root of every random draw; another seed gives other people.
DEFAULTS.SEED = 0
# Camera world: "source", "shifted" and "unseen" (other sensors, camera height, framing, bodies and
# backgrounds), or one of the random ones, "world-1", "world-2" ..., none of which is like those.
DEFAULTS.WORLD = "source"
DEFAULTS.IDENTITIES = CfgNode()
# Identities to train on (bounding_box_train). The paper's set has 6641.
DEFAULTS.IDENTITIES.TRAIN = 6641
# Held-out identities (query and bounding_box_test); their pids follow the training pids.
DEFAULTS.IDENTITIES.TEST = 0
# Outfits that are not used: those of the first NUMBER prompts of another SEED with the same
# vocabulary and TWINS, as ((SEED, NUMBER), ...). It keeps a training set disjoint from a test set.
DEFAULTS.IDENTITIES.EXCLUDE = ()
# Hard identities on purpose: the share of the prompts, 0..1, that differ from the one before in one
# word of the outfit alone.
DEFAULTS.IDENTITIES.TWINS = 0.0
DEFAULTS.VOCABULARY = CfgNode()
# JSON file of words; empty means the curated vocabulary of the package, "street" the one with the
# clothes, carried things and frequencies of a real street.
DEFAULTS.VOCABULARY.FILE = ""
DEFAULTS.CANVAS = CfgNode()
# Cells of one identity's canvas, one view each; the paper has 42.
DEFAULTS.CANVAS.COLUMNS = 7
DEFAULTS.CANVAS.ROWS = 6
# (height, width) of a cell and so of every image, in pixels.
DEFAULTS.CANVAS.CELL_SIZE = (256, 128)
DEFAULTS.POSES = CfgNode()
# JSON file of skeletons, see the command "poses"; empty means the built-in walking ones.
DEFAULTS.POSES.FILE = ""
# Half width of a limb in the skeleton map, in pixels.
DEFAULTS.POSES.LIMB_WIDTH = 4
# Radius of a joint's disc in it, in pixels; 0: as LIMB_WIDTH.
DEFAULTS.POSES.JOINT_RADIUS = 0
# The same for nose, eyes and ears, and the most for the lines between them; 0: as LIMB_WIDTH.
DEFAULTS.POSES.FACE_RADIUS = 0
DEFAULTS.SYNTHESIS = CfgNode()
# What draws people and scenes: "procedural" needs no weights and no GPU, "diffusion" is SDXL.
DEFAULTS.SYNTHESIS.NAME = "procedural"
DEFAULTS.DIFFUSION = CfgNode()
# Models. Each is a name on the Hugging Face hub ("owner/name", a revision after "@") or a local
# folder in diffusers' format; the base model and a LoRA are also a file, local or
# "owner/name/file.safetensors".
DEFAULTS.DIFFUSION.BASE = "stabilityai/stable-diffusion-xl-base-1.0"
# If BASE is a single file: the model whose configuration and tokenizers fit it. Only its .json and
# .txt files are fetched. All models that were fine-tuned from SDXL are built like this one.
DEFAULTS.DIFFUSION.BASE_CONFIG = "stabilityai/stable-diffusion-xl-base-1.0"
# Variant of the base model's files ("fp16" halves the download); empty means the plain ones. A
# single file has none.
DEFAULTS.DIFFUSION.VARIANT = "fp16"
# A VAE that does not overflow in half precision; empty means the base model's own.
DEFAULTS.DIFFUSION.VAE = "madebyollin/sdxl-vae-fp16-fix"
# The two ControlNets, their weights (0..2), and the shares of the steps (0..1] after which they no
# longer act. The edge map shows the borders of the cells alone, and an empty Canny map says "no
# edges": to the end, it would smooth the folds and faces inside every cell. The borders are settled
# in the first steps.
DEFAULTS.DIFFUSION.POSE_CONTROLNET = "xinsir/controlnet-openpose-sdxl-1.0"
DEFAULTS.DIFFUSION.POSE_SCALE = 1.0
DEFAULTS.DIFFUSION.POSE_END = 1.0
DEFAULTS.DIFFUSION.EDGE_CONTROLNET = "xinsir/controlnet-canny-sdxl-1.0"
DEFAULTS.DIFFUSION.EDGE_SCALE = 0.5
DEFAULTS.DIFFUSION.EDGE_END = 0.4
# One union network that reads both maps, in place of the two; empty means two networks.
DEFAULTS.DIFFUSION.UNION_CONTROLNET = ""
# The paper's three LoRAs by role, each with its weight; empty means none.
DEFAULTS.DIFFUSION.LORA = CfgNode()
DEFAULTS.DIFFUSION.LORA.ENHANCEMENT = ""
DEFAULTS.DIFFUSION.LORA.ENHANCEMENT_WEIGHT = 0.7
DEFAULTS.DIFFUSION.LORA.LIGHTING = ""
DEFAULTS.DIFFUSION.LORA.LIGHTING_WEIGHT = 0.7
DEFAULTS.DIFFUSION.LORA.STYLE = ""
DEFAULTS.DIFFUSION.LORA.STYLE_WEIGHT = 0.7
# Not the paper's: a LoRA that needs few steps and no guidance. Unlike the others it also acts on
# backgrounds, which have the same steps.
DEFAULTS.DIFFUSION.LORA.ACCELERATION = ""
DEFAULTS.DIFFUSION.LORA.ACCELERATION_WEIGHT = 1.0
# Words added to every character prompt, such as the trigger words of a LoRA.
DEFAULTS.DIFFUSION.EXTRA_PROMPT = ""
# Words added to the negative prompt of every character and background.
DEFAULTS.DIFFUSION.NEGATIVE_EXTRA = ""
# Weights in pickle files can run code; only safetensors are read unless this is set.
DEFAULTS.DIFFUSION.ALLOW_PICKLE = False
# What denoises: "euler_a" (the paper's), "euler" (its steps placed as SDXL-Lightning needs them),
# "dpmpp_2m" (DPM++ 2M Karras), "lcm" and "tcd" (for LoRAs or models of that name).
DEFAULTS.DIFFUSION.SCHEDULER = "euler_a"
# Denoising steps and classifier-free guidance. At 1 or less there is no guidance: a step costs
# half, and the negative prompts have no effect.
DEFAULTS.DIFFUSION.STEPS = 30
DEFAULTS.DIFFUSION.GUIDANCE = 6.0
# The canvas is drawn this much larger than the grid, then shrunk; its sides are multiples of 8.
# What a canvas of 7 x 6 cells of 256 x 128 costs: 911 TFLOP at 1, 2,393 at 1.5, 5,133 at 2
# (computed for SDXL with two ControlNets and 30 steps; 1,057, 2,777 and 5,960 at EDGE_END 1.0).
DEFAULTS.DIFFUSION.SCALE = 1.0
# (height, width) of the smallest cell that is drawn, in pixels after SCALE. The default is the
# paper's cell, 32 x 16 of the values that SDXL works on; a head has about 4 x 4 of them.
DEFAULTS.DIFFUSION.MIN_CELL = (256, 128)
# Fewest and most pixels of a drawn canvas, in millions. SDXL was trained on pictures of about 1
# million. It is known to draw badly at less than half of that, and at four times to repeat itself.
DEFAULTS.DIFFUSION.MEGAPIXELS = (0.5, 4.2)
# (height, width) of a background picture, in pixels, multiples of 8.
DEFAULTS.DIFFUSION.BACKGROUND_SIZE = (1024, 1024)
# Canvases drawn at once.
DEFAULTS.DIFFUSION.BATCH_SIZE = 2
# "auto" (a GPU if there is one), "cuda", "cuda:1", "cpu" ...
DEFAULTS.DIFFUSION.DEVICE = "auto"
# "bf16", "fp16" or "fp32".
DEFAULTS.DIFFUSION.DTYPE = "bf16"
# torch.compile the denoiser, the ControlNets and the VAE's decoder: minutes at the start, faster
# steps after it.
DEFAULTS.DIFFUSION.COMPILE = False
# Less memory for more time: decode one picture at a time; decode it in overlapping tiles, whose
# colors can differ a little; keep idle models off the GPU.
DEFAULTS.DIFFUSION.VAE_SLICING = True
DEFAULTS.DIFFUSION.VAE_TILING = False
DEFAULTS.DIFFUSION.CPU_OFFLOAD = False
DEFAULTS.LIGHT = CfgNode()
# "relight": people are drawn in neutral light, and each image is relit for its background.
# "drawn": people are drawn under the lighting of their prompt and only meet such backgrounds.
DEFAULTS.LIGHT.MODE = "relight"
# Canvases of one identity, each under another lighting, 1..9; more than 1 only with "drawn".
DEFAULTS.LIGHT.PER_IDENTITY = 1
DEFAULTS.MATTING = CfgNode()
# A model of rembg by name, or a local .onnx file that takes U2Net's input.
DEFAULTS.MATTING.MODEL = "u2net"
# onnxruntime's provider: "auto" (CUDA if it works), "cuda" or "cpu".
DEFAULTS.MATTING.PROVIDER = "auto"
# Cells cut out at once on a GPU; on a CPU always one, since more are no faster there.
DEFAULTS.MATTING.BATCH_SIZE = 4
DEFAULTS.SCENES = CfgNode()
# Background pictures per scene and lighting; images are random crops of them.
DEFAULTS.SCENES.POOL_SIZE = 4
DEFAULTS.CAMERA = CfgNode()
# Noise, blur, resolution and color cast of each scene's camera.
DEFAULTS.CAMERA.EFFECTS = True
DEFAULTS.QUALITY = CfgNode()
# Share of an identity's cells that are used, 0..1, chosen at random before any is looked at. The
# others are left out: the procedural route does not draw them, and nothing cuts them out or judges
# them. They do not count as rejected.
DEFAULTS.QUALITY.KEEP = 1.0
# Smallest and largest share of a cell that a person may cover, 0..1.
DEFAULTS.QUALITY.MIN_AREA = 0.05
DEFAULTS.QUALITY.MAX_AREA = 0.60
# Smallest height of a person as a share of the cell's height, 0..1.
DEFAULTS.QUALITY.MIN_HEIGHT = 0.40
# How much wider than the skeleton a person may be in the median row, in cell heights, 0..1; two
# people who touch are wider. 0 turns this off.
DEFAULTS.QUALITY.MAX_WIDTH = 0.0
# Smallest share of the skeleton's joints that must be on the person, 0..1; the lower ankle must be
# on it too. 0 turns this off.
DEFAULTS.QUALITY.MIN_JOINTS = 0.0
# Smallest similarity of a cell to the median of its identity's cells, 0..1; less is another person.
# 0 turns this off.
DEFAULTS.QUALITY.MIN_SAME_PERSON = 0.0
# An identity that looks like an earlier one: "ignore", "reject", or "keep" (a hard
# identity: accepted, and listed in dataset.json).
DEFAULTS.QUALITY.TWINS = "ignore"
# Similarity from which two identities are twins, 0..1.
DEFAULTS.QUALITY.TWIN_SIMILARITY = 0.88
# ONNX file of an embedder (tools/export.py writes one) for the two rules above; empty means
# histograms of the colors of the body's parts, without weights. An embedder's similarities are
# others, so MIN_SAME_PERSON and TWIN_SIMILARITY have to be chosen anew.
DEFAULTS.QUALITY.EMBEDDER = ""
# ONNX file of the pose network RTMO: a cell must show one person, with feet, from the side that was
# asked for. Needs rtmlib (pip install --no-deps rtmlib). Empty means that nobody looks.
DEFAULTS.QUALITY.POSE_DETECTOR = ""
# A candidate with fewer good cells is rejected, and the next prompt takes its place.
DEFAULTS.QUALITY.MIN_CELLS = 4
# Keep every canvas as a PNG in OUTPUT.canvases/ (about 2.5 MB each), so that "refine" can cut them
# out anew with other limits. Only a route that draws with a model has canvases to keep.
DEFAULTS.KEEP_CANVASES = False
# Quality of the written JPEGs, 1..100.
DEFAULTS.JPEG_QUALITY = 95
