# Each recipe is a plain cargo command: `just` is a convenience, never a need.

# Lists the recipes
default:
    @just --list

# Formats the code
fmt:
    cargo fmt --all

# Lints, warnings denied
lint:
    cargo clippy --locked --workspace --all-targets -- -D warnings

# Runs the Rust tests
test:
    cargo nextest run --locked --workspace

# Runs every check, as CI does
test-all:
    cargo xtask test

# Measures Posthaste beside nginx and a bare hyper proxy
bench *options:
    cargo xtask bench {{ options }}

# Builds the API documentation
doc:
    cargo doc --locked --workspace --no-deps --document-private-items

# Writes the generated documents again
docs:
    cargo xtask docs

# Checks licences, bans and sources of the dependencies
deny:
    cargo deny --offline check licenses bans sources

# Runs the server, for instance `just run demo`
run *arguments:
    cargo run --locked --package posthaste -- {{ arguments }}

# Exactly what CI runs
ci:
    bash .ci/run
