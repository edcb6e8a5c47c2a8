#!/usr/bin/env bash
# Makes the secrets of compose.yaml, once: one file each, named as the setting it is. Never overwrites one.
#   ./make-secrets.sh [FOLDER]            default: secrets, beside this script
# CIUIC_ORIGIN names the ledger, CIUIC the command 'ciuic'; by default .env and the image do.
set -euo pipefail
cd "$(dirname "$0")"
folder=${1:-secrets}
origin=${CIUIC_ORIGIN:-$(sed -n 's/^CIUIC_ORIGIN=//p' .env)}
image=${CIUIC_IMAGE:-$(sed -n 's/^CIUIC_IMAGE=//p' .env 2>/dev/null || true)}

# Others of this machine are kept out by the folder. The files themselves are open, because Docker mounts each into containers
# whose users it does not know, as it is.
mkdir -p "$folder"
chmod 700 "$folder"
umask 022

random() { head -c 30 /dev/urandom | base64 | tr -d '+/=\n'; }
write() { # write NAME, with the content on standard input; without any there is no file
  if [ -e "$folder/$1" ]; then cat >/dev/null; return; fi
  cat >"$folder/.new"
  [ -s "$folder/.new" ] && mv "$folder/.new" "$folder/$1"
}
ciuic_key() { # a new key of this name, on standard output
  if [ -n "${CIUIC:-}" ]; then
    local made
    made=$(mktemp -u)
    "$CIUIC" signing-key "$1" -o "$made" >&2
    cat "$made"
    rm -f "$made"
  else
    docker run --rm --network none --entrypoint sh "${image:?}" -c 'ciuic signing-key "$1" -o /tmp/key >&2 && cat /tmp/key' sh "$1"
  fi
}

# The gateways' certificate, for the names and addresses of compose.yaml; it is its own authority.
certificate() {
  [ -e "$folder/gateway-key" ] && [ -e "$folder/gateway-certificate" ] && return
  command -v openssl >/dev/null || { echo "openssl is needed, to make the gateways' certificate" >&2; exit 1; }
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=ciuic-gateway \
    -addext "subjectAltName=DNS:localhost,DNS:silo1,DNS:silo2,DNS:silo3,IP:127.0.0.1,IP:172.31.77.11,IP:172.31.77.12,IP:172.31.77.13" \
    -keyout "$folder/.key" -out "$folder/.certificate" 2>/dev/null
  chmod 644 "$folder/.key" # as all of them: see above
  mv "$folder/.key" "$folder/gateway-key"
  mv "$folder/.certificate" "$folder/gateway-certificate"
}

random | write postgres-password
echo "Host=database;Database=ciuic;Username=ciuic;Password=$(cat "$folder/postgres-password")" | write Ciuic__Database__PostgreSql
random | write Ciuic__S3__AccessKey
random | write Ciuic__S3__SecretKey
for role in BlocksKey TreeHeadKey; do
  [ -e "$folder/Ciuic__Ledger__$role" ] && continue
  name=${origin:?}
  [ "$role" = BlocksKey ] && name=$origin/blocks
  ciuic_key "$name" | write "Ciuic__Ledger__$role"
done
certificate
echo "The secrets are in $folder. Keep a copy of the two ledger keys: without them nobody can append to this history again."
