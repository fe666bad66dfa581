// Signs an order with go-jose. Arguments: key.pem (PKCS#8) chain.pem form.json out.json
package main

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"log"
	"os"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

func main() {
	if len(os.Args) != 5 {
		log.Fatal("usage: sign key.pem chain.pem form.json out.json")
	}
	block, _ := pem.Decode(read(os.Args[1]))
	if block == nil {
		log.Fatal("no PEM in the key file")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	check(err)
	var chain [][]byte // the signer's own first, then its issuers'
	for rest := read(os.Args[2]); ; {
		var one *pem.Block
		if one, rest = pem.Decode(rest); one == nil {
			break
		}
		chain = append(chain, one.Bytes)
	}

	var x5c []string
	for _, der := range chain {
		x5c = append(x5c, base64.StdEncoding.EncodeToString(der))
	}
	thumbprint := sha256.Sum256(chain[0])
	options := (&jose.SignerOptions{}).
		WithType("sigill-order+jws"). // may be left out
		WithHeader("iat", time.Now().Unix()).
		WithHeader("x5c", x5c).
		WithHeader("x5t#S256", base64.RawURLEncoding.EncodeToString(thumbprint[:]))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm(key), Key: key}, options)
	check(err)
	order, err := signer.Sign(read(os.Args[3]))
	check(err)
	// FullSerialize is application/jose+json; CompactSerialize is application/jose.
	check(os.WriteFile(os.Args[4], []byte(order.FullSerialize()), 0o600))
}

func algorithm(key any) jose.SignatureAlgorithm {
	switch one := key.(type) {
	case *ecdsa.PrivateKey:
		if one.Curve.Params().BitSize == 384 {
			return jose.ES384
		}
		return jose.ES256
	case *rsa.PrivateKey:
		return jose.PS256
	}
	log.Fatal("the key must be P-256, P-384 or RSA")
	return ""
}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	check(err)
	return data
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
