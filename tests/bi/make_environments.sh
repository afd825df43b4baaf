#!/bin/sh
# Give every client of tests/bi an environment of its own below FOLDER; made once, kept after.
# Usage: make_environments.sh FOLDER PYTHON
set -eu
folder=$1 python=$2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"

for list in "$here"/environments/*.txt; do
    name=$(basename "$list" .txt)
    if ! cmp -s "$list" "$folder/$name/installed"; then
        echo "installing $name"
        rm -rf "${folder:?}/$name"
        "$python" -m venv "$folder/$name"
        "$folder/$name/bin/python" -m pip install --quiet --disable-pip-version-check -r "$list"
        cp "$list" "$folder/$name/installed"
    fi
done

if command -v npm > /dev/null; then
    list=$here/environments/package.json
    if ! cmp -s "$list" "$folder/node/installed"; then
        echo "installing node"
        mkdir -p "$folder/node"
        cp "$list" "$folder/node/package.json"
        npm install --prefix "$folder/node" --silent --no-audit --no-fund
        cp "$list" "$folder/node/installed"
    fi
else
    echo "there is no npm here: the Node client is skipped"
fi
