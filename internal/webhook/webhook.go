// Package webhook sends messages to a program of the user's, signed as Standard Webhooks
// says (https://www.standardwebhooks.com), so that libraries in most languages can check
// them. It goes to nobody but the address that was given: over https or to this machine,
// without following redirects.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/internal/loopback"
)

// Hook is where messages go. Make one with [New]. It is safe for concurrent use.
type Hook struct {
	url    string
	host   string
	key    []byte
	client *http.Client
}

// The bounds of a message on its way.
const (
	patience   = 10 * time.Second // for an answer, all of it
	mostAnswer = 64 << 10         // bytes of an answer that are read, so that the connection can be used again
)

// secretPrefix begins a secret, and leastSecret and mostSecret bound it in bytes, as
// Standard Webhooks has it.
const (
	secretPrefix = "whsec_"
	leastSecret  = 24
	mostSecret   = 64
)

// New makes a Hook of an address and a secret. A nil transport is one of its own.
func New(address, secret string, transport http.RoundTripper) (*Hook, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, errors.New("the address of a webhook is no URL") // which may hold a secret, so it is not said
	case u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the address of a webhook has to begin with https://")
	case u.Scheme == "http" && !loopback.Is(u.Hostname()):
		return nil, fmt.Errorf("the webhook at %s: other machines can be told by https:// alone", u.Host)
	}
	u.Fragment = ""
	key, err := keyOf(secret)
	if err != nil {
		return nil, err
	}
	if transport == nil {
		transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: patience}).DialContext, TLSHandshakeTimeout: patience,
			MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: mostAnswer, ForceAttemptHTTP2: true,
		}
	}
	return &Hook{u.String(), u.Host, key, &http.Client{
		Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// keyOf reads a secret. What is wrong with it is said without saying it.
func keyOf(secret string) ([]byte, error) {
	text, ok := strings.CutPrefix(strings.TrimSpace(secret), secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < leastSecret || len(key) > mostSecret {
		return nil, fmt.Errorf("the secret of webhooks has to be %s and %d to %d random bytes in base64: echo %s$(openssl rand -base64 32)", secretPrefix, leastSecret, mostSecret, secretPrefix)
	}
	return key, nil
}

// Host is where messages go, without what may be secret in the address.
func (h *Hook) Host() string { return h.host }

// Refused is the error of a message that was answered, but not with 2xx.
type Refused struct {
	Status int
	// After is how long the receiver wants to be left alone, 0 if it does not say.
	After time.Duration
}

// Error implements error.
func (r *Refused) Error() string {
	if 300 <= r.Status && r.Status < 400 {
		return fmt.Sprintf("answered %d, and redirects are not followed", r.Status)
	}
	return fmt.Sprintf("answered %d", r.Status)
}

// Final reports whether the same message would be refused again, whatever one waits.
func (r *Refused) Final() bool {
	switch r.Status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// NewID is a name for a message, by which a receiver knows one that comes twice.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return "msg_" + hex.EncodeToString(b[:])
}

// Send sends a message, and returns nil if it was answered with 2xx. The error is a
// [*Refused], or what went wrong on the way; it does not have the address.
func (h *Hook) Send(ctx context.Context, id string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("the request cannot be made")
	}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "goaltrack")
	r.Header.Set("Webhook-Id", id)
	r.Header.Set("Webhook-Timestamp", at)
	r.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(Sign(h.key, id, at, body)))
	response, err := h.client.Do(r)
	if err != nil {
		if outer, ok := errors.AsType[*url.Error](err); ok {
			err = outer.Err // without the address, which may hold a secret
		}
		return err
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, mostAnswer)) // what it says does not matter
	if response.StatusCode/100 == 2 {
		return nil
	}
	return &Refused{response.StatusCode, retryAfter(response.Header)}
}

// Sign is the signature of a message.
func Sign(key []byte, id, at string, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.", id, at)
	_, _ = mac.Write(body)
	return mac.Sum(nil)
}

// longestAfter bounds what a receiver can ask for.
const longestAfter = time.Hour

// retryAfter reads seconds, or a date, which is by the receiver's clock (RFC 9110, section
// 10.2.3).
func retryAfter(h http.Header) time.Duration {
	said := h.Get("Retry-After")
	seconds, err := strconv.ParseUint(said, 10, 31)
	if err == nil || errors.Is(err, strconv.ErrRange) { // then it is the largest number
		return min(time.Duration(seconds)*time.Second, longestAfter)
	}
	at, err := http.ParseTime(said)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return min(max(at.Sub(now), 0), longestAfter)
}

// Close ends connections that nobody uses.
func (h *Hook) Close() { h.client.CloseIdleConnections() }
