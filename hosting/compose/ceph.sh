#!/usr/bin/env bash
# A Ceph of one monitor, one OSD on a file, and one S3 gateway: the smallest there is that keeps what it has acknowledged. One
# copy of everything, so for trials; a disk that dies takes it along.
#   ceph.sh           makes it at first start, runs it until SIGTERM; a daemon that ends takes the others along
#   ceph.sh health    whether the gateway answers
# CEPH_FOLDER           where it lives; the file of objects there takes space as it fills
# CEPH_S3_LISTEN        address:port of the gateway
# CEPH_STORE_GIB        what it may hold
# CEPH_BUCKET           is made
# CEPH_SECRETS          folder with Ciuic__S3__AccessKey and Ciuic__S3__SecretKey
# CEPH_MONITOR_PORT     on loopback; default 3300
set -euo pipefail
listen=${CEPH_S3_LISTEN:?}
folder=${CEPH_FOLDER:?}
conf=$folder/ceph.conf
gateway=127.0.0.1:${listen##*:}

answers() { # whether the gateway has 200 for "GET /"
  exec 3<>"/dev/tcp/${gateway%:*}/${gateway##*:}" && printf 'GET / HTTP/1.0\r\n\r\n' >&3 && head -n 1 <&3 | grep -q ' 200 '
}
if [ "${1:-}" = health ]; then answers; exit; fi

access=$(cat "${CEPH_SECRETS:?}/Ciuic__S3__AccessKey")
secret=$(cat "$CEPH_SECRETS/Ciuic__S3__SecretKey")
bucket=${CEPH_BUCKET:?}
monitor=127.0.0.1:${CEPH_MONITOR_PORT:-3300}
daemons=()

stop() {
  trap - TERM INT EXIT
  # The gateway first, the monitor last: each ends while what it needs is still there.
  for ((i = ${#daemons[@]} - 1; i >= 0; i--)); do
    kill "${daemons[i]}" 2>/dev/null || true
    wait "${daemons[i]}" 2>/dev/null || true
  done
}
trap 'stop; exit 0' TERM INT
trap stop EXIT
run() { "$@" -c "$conf" -f & daemons+=($!); }
until_true() { # until_true WHAT COMMAND...
  local what=$1 end=$((SECONDS + 90))
  shift
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS >= end)); then echo "ceph.sh: $what took too long" >&2; exit 1; fi
    sleep 0.2
  done
}
ask() { timeout 30 ceph -c "$conf" --connect-timeout 20 "$@"; }
osd_is_up() { ask osd stat | grep -q '1 up'; }

configure() {
  cat >"$conf" <<CONF
[global]
fsid = $(cat "$folder/fsid")
mon host = [v2:$monitor]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
keyring = $folder/keyring
run dir = $folder
admin socket = $folder/\$name.asok
crash dir = $folder
log to stderr = false
err to stderr = true
log to file = false
mon cluster log to file = false
auth allow insecure global id reclaim = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
[mon]
mon data = $folder/mon
[osd]
osd data = $folder/osd
osd objectstore = bluestore
osd memory target = 1073741824
osd class update on start = false
bluestore block create = true
bluestore block size = $((${CEPH_STORE_GIB:?} << 30))
[client.rgw.ciuic]
rgw data = $folder/rgw
rgw frontends = beast endpoint=$listen tcp_nodelay=1
CONF
}

make() {
  rm -rf "$folder"
  mkdir -p "$folder/mon" "$folder/osd" "$folder/rgw"
  cat /proc/sys/kernel/random/uuid >"$folder/fsid"
  configure
  local keyring=$folder/keyring
  ceph-authtool --create-keyring "$keyring"
  ceph-authtool "$keyring" --gen-key -n mon. --cap mon 'allow *'
  ceph-authtool "$keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
  ceph-authtool "$keyring" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *' --cap mgr 'allow profile osd'
  ceph-authtool "$keyring" --gen-key -n client.rgw.ciuic --cap mon 'allow rwx' --cap osd 'allow rwx' --cap mgr 'allow rw'
  monmaptool --create --fsid "$(cat "$folder/fsid")" --addv a "[v2:$monitor]" "$folder/monmap"
  ceph-mon -c "$conf" -i a --mkfs --monmap "$folder/monmap" --keyring "$keyring"
  run ceph-mon -i a
  until_true "the monitor" ask mon stat
  local uuid
  uuid=$(cat /proc/sys/kernel/random/uuid)
  ask osd new "$uuid"
  ceph-osd -c "$conf" -i 0 --mkfs --osd-uuid "$uuid"
}

# Ceph's own tools make users, and none makes a bucket: one signed request does (AWS signature 2, the short one).
make_bucket() {
  python3 - "$gateway" "$bucket" "$access" <<'PYTHON' 3<<<"$secret"
import base64, email.utils, hmac, os, sys, urllib.request
gateway, bucket, access = sys.argv[1:]
secret = os.fdopen(3).read().strip()
date = email.utils.formatdate(usegmt=True)
signature = base64.b64encode(hmac.digest(secret.encode(), f"PUT\n\n\n{date}\n/{bucket}".encode(), "sha1")).decode()
headers = {"Date": date, "Authorization": f"AWS {access}:{signature}"}
urllib.request.urlopen(urllib.request.Request(f"http://{gateway}/{bucket}", method="PUT", headers=headers), timeout=20).close()
PYTHON
}

if [ -e "$folder/made" ]; then
  configure
  run ceph-mon -i a
  until_true "the monitor" ask mon stat
else
  make # an earlier try that did not come to its end is begun again
fi
run ceph-osd -i 0
until_true "the OSD" osd_is_up
run radosgw -n client.rgw.ciuic
until_true "the gateway" answers
if [ ! -e "$folder/made" ]; then
  radosgw-admin -c "$conf" user create --uid=ciuic --display-name=ciuic --access-key="$access" --secret-key="$secret" >/dev/null
  make_bucket
  touch "$folder/made"
fi
echo "ceph.sh: s3://$bucket is ready on $listen"
wait -n "${daemons[@]}" || true
echo "ceph.sh: a daemon has ended" >&2
exit 1
