# Makes the certificate that the database shows, and the authority that vouches for it:
# once, and the certificate again when its names change or it ends within 60 days.
# Workers get the authority's certificate, ca.crt; the keys stay here.
set -euo pipefail
umask 077
folder=/var/lib/postgresql/tls
mkdir -p "$folder"
cd "$folder"

new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

names=
for name in ${DATABASE_NAMES//,/ }; do
    if [[ $name =~ ^[0-9.]+$ || $name == *:* ]]; then kind=IP; else kind=DNS; fi
    names+=${names:+,}$kind:$name
done

if [ ! -s ca.crt ]; then
    new_key ca.key
    openssl req -x509 -new -key ca.key -sha256 -days 7300 -subj "/CN=ktrdr database" \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" \
        -addext "keyUsage=critical,keyCertSign" -out ca.crt.new
    mv ca.crt.new ca.crt
fi

if [ -s server.crt ] && [ "$(cat server.names)" = "$names" ] \
    && openssl x509 -in server.crt -noout -checkend 5184000 >/dev/null; then
    echo "the certificate stays: $names"
    exit 0
fi
new_key server.key.new
openssl req -new -key server.key.new -subj "/CN=database" -out server.csr
printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' \
    "$names" > server.extensions
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -sha256 \
    -days 730 -extfile server.extensions -out server.crt.new
mv server.key.new server.key
mv server.crt.new server.crt
printf '%s' "$names" > server.names
rm -f server.csr server.extensions
echo "a new certificate: $names"
