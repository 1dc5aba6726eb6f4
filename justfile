# Recipes for https://just.systems; each line works without it.

# Everything that must pass before a change lands.
ci:
    .ci/run

# Every case here and in PyTorch, alternating; appends the tables to docs/benchmarks.md.
bench *arguments:
    python3 benches/run.py --write {{arguments}}
    python3 benches/growth.py --write
    python3 benches/loading.py --write

# Compares with packages that others wrote; installs them into target/peers.
peers:
    cargo build --release
    tests/peers/run target/release/flatrun
