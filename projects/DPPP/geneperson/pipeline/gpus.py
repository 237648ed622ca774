"""What GPUs can compute, for plans on machines that have none."""

from __future__ import annotations

from ..errors import UserError

# Peak of the dense matrix products in bf16 (fp16 where there is none) with sums in fp32, in TFLOPS,
# from NVIDIA's data sheets.
PEAK_TFLOPS = {
    "H200": 989.0,
    "H100": 989.0,
    "A100": 312.0,
    "L40S": 362.0,
    "L4": 121.0,
    "A10": 125.0,
    "RTX4090": 165.0,
    "RTX3090": 71.0,
    "V100": 125.0,
    "T4": 65.0,
}
UTILIZATION = 0.4  # of the peak: an assumption, of what diffusers reaches with large pictures


def peak_tflops(name: str) -> float:
    """Return the peak of a GPU by name.

    Raises:
        UserError: a name that is not in the table.
    """
    known = name.upper().replace(" ", "").replace("-", "")
    if known not in PEAK_TFLOPS:
        raise UserError(f"--gpu is {name!r}: use one of {', '.join(PEAK_TFLOPS)}")
    return PEAK_TFLOPS[known]
