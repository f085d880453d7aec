package rule

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// New checks and compiles goals made in Go. The error is a *Error
// with every fault.
func New(goals ...Goal) (*Set, error) {
	rs, found := compileRules(Defaults{}, goals, func(int, string) (int, int) { return 0, 0 }, "")
	if err := rulesError(found); err != nil {
		return nil, err
	}
	return rs, nil
}

// Load reads a rule file: one YAML document in UTF-8 of at most 4 MiB. The
// error is a *Error with every fault, or that of reading the file.
func Load(path string) (*Set, error) {
	text, _, err := Read(path)
	if err != nil {
		return nil, err
	}
	return ParseFile(path, text)
}

// Parse reads the text of a rule file, as Load does. The error is a
// *Error with every fault.
func Parse(text []byte) (*Set, error) { return ParseFile("", text) }

// Read reads a rule file, but not much more than one may be long. hash is the
// fingerprint of what it holds.
func Read(path string) (text []byte, hash string, err error) {
	file, err := os.Open(path) //nolint:gosec // The operator names the file.
	if err != nil {
		return nil, "", fmt.Errorf("goaltrack: %w", err)
	}
	defer file.Close()
	text, err = io.ReadAll(io.LimitReader(file, maxRules+1))
	if err != nil {
		return nil, "", fmt.Errorf("goaltrack: %w", err)
	}
	return text, hashOf(text), nil
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:4])
}
