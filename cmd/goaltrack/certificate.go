package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// certificate is the one that visitors see, from two files that may change.
type certificate struct {
	certFile, keyFile string
	logger            *slog.Logger
	inForce           atomic.Pointer[tls.Certificate]

	mu       sync.Mutex
	judged   [sha256.Size]byte // the content of the files that is in force, or was refused
	settling [sha256.Size]byte // the content that was new at the last look
	said     string            // why the files could not be read
}

// loadCertificate reads the files for the first time.
func loadCertificate(certFile, keyFile string) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, logger: slog.New(slog.DiscardHandler)}
	return c, c.take()
}

// read returns the files, and what they are known by.
func (c *certificate) read() (cert, key []byte, hash [sha256.Size]byte, err error) {
	if cert, err = os.ReadFile(c.certFile); err != nil {
		return nil, nil, hash, err
	}
	if key, err = os.ReadFile(c.keyFile); err != nil {
		return nil, nil, hash, err
	}
	return cert, key, sha256.Sum256(bytes.Join([][]byte{cert, key}, []byte{0})), nil
}

// take puts what is in the files in force now.
func (c *certificate) take() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	cert, key, hash, err := c.read()
	if err != nil {
		return err
	}
	return c.judge(cert, key, hash)
}

func (c *certificate) judge(cert, key []byte, hash [sha256.Size]byte) error {
	again := hash == c.judged
	c.judged, c.settling, c.said = hash, hash, ""
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return err
	}
	c.inForce.Store(&pair)
	if again {
		return nil
	}
	if until := pair.Leaf.NotAfter; until.Before(time.Now()) {
		c.logger.Warn("the certificate has expired", "file", c.certFile, "until", until)
	} else {
		c.logger.Info("a new certificate is in force", "file", c.certFile, "until", until)
	}
	return nil
}

// certificateEvery is how often the files are looked at.
const certificateEvery = 2 * time.Second

// follow puts the files in force when they change, until ctx ends. Files that are
// being written are looked at again before they are judged, and files with faults
// leave the certificate that is in force.
func (c *certificate) follow(ctx context.Context) {
	ticker := time.NewTicker(certificateEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			c.look()
		}
	}
}

func (c *certificate) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	cert, key, hash, err := c.read()
	switch {
	case err != nil:
		if c.said != err.Error() {
			c.said = err.Error()
			c.refused(err)
		}
	case hash == c.judged:
		c.settling, c.said = hash, ""
	case hash != c.settling:
		c.settling = hash
	default:
		if err := c.judge(cert, key, hash); err != nil {
			c.refused(err)
		}
	}
}

func (c *certificate) refused(err error) {
	c.logger.Error("the certificate is not put in force; the one before it stays", "file", c.certFile, "key", c.keyFile, "error", err)
}

// config is what TLS is spoken by.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.inForce.Load(), nil },
	}
}
