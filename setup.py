"""Installs ``geneperson`` (stage 1) and ``dppp`` (stage 2) from projects/DPPP.

fastreid 1.4.0 pins torch 1.13.1, so it is not among the requirements: install it with
``pip install --no-deps fastreid==1.4.0`` (``make setup`` does). What it really needs stands here.
"""

from pathlib import Path

from setuptools import find_packages, setup

FASTREID_NEEDS = [
    "faiss-cpu>=1.7.3",
    "gdown",
    "matplotlib",
    "opencv-python-headless>=4.7,<5",
    "pyyaml",
    "scikit-learn>=1.2.1",
    "tabulate",
    "tensorboard",
    "termcolor",
    "yacs>=0.1.8",
]
GENERATE = [
    "accelerate",
    "controlnet-aux",
    "diffusers>=0.42",
    "openai>=1",
    "peft",
    "rembg>=2.0.60",
    "transformers>=4.44",
]

EXPORT = ["onnx", "onnxruntime", "onnxscript"]

setup(
    name="dppp-fastreid",
    version="0.1.0",
    description="Privacy-preserving person Re-ID from text alone: GenePerson and PDM, on FastReID",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    package_dir={"": "projects/DPPP"},
    packages=find_packages("projects/DPPP", include=["geneperson*", "dppp*"]),
    package_data={
        "geneperson.prompting": ["*.json"],
        "geneperson.prompting.interview": ["*.json"],
        "dppp.modeling": ["clip_models/*.json", "clip_weights/*"],
    },
    install_requires=[
        "numpy>=2.0",
        "open_clip_torch>=3.3,<4",
        "pillow",
        "safetensors",
        "scipy>=1.8",
        "torch>=2.6",
        "torchvision>=0.21",
        "tqdm",
        *FASTREID_NEEDS,
    ],
    extras_require={
        # Stage 1 with real models: chat vocabulary, SDXL, ControlNets, LoRAs, U2Net.
        "generate": [*GENERATE, "onnxruntime"],
        # The same for GPUs; onnxruntime and onnxruntime-gpu must not be there together.
        "cluster": [*GENERATE, "onnxruntime-gpu"],
        # tools/export.py to ONNX.
        "export": EXPORT,
        "dev": [
            # The tests run stage 1 with real models, small ones.
            *GENERATE,
            "codespell",
            *EXPORT,
            "pre-commit",
            "pytest>=8",
            "pytest-xdist",
            "ruff",
        ],
    },
)
