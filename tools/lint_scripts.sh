#!/bin/sh
# Checks the pages' JavaScript with Biome; where node or its package index is missing, says so and lets it pass.
set -eu
biome=@biomejs/biome@2.6.8
export npm_config_fetch_retries=0 npm_config_fetch_timeout=20000 npm_config_update_notifier=false
if ! command -v npx > /dev/null || ! npx --yes "$biome" --version > /dev/null 2>&1; then
  echo "node, or Biome from its package index, is not at hand: the pages' JavaScript was not checked"
  exit 0
fi
npx --yes "$biome" check
