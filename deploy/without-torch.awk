# Takes torch, and the GPU libraries that only PyPI's torch needs, out of requirements-torch.txt: the rest goes with
# PyTorch's own build for processors (docs/operations.md).
/^[a-z]/ { skip = /^(torch|triton|cuda-[a-z]+|nvidia-[a-z0-9-]+)==/ }
!skip
