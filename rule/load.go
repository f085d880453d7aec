package rule

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// New checks and compiles goals made in Go. If something is wrong with them, the error
// is an [*Error] with every fault, without places. Without goals, the set has none.
func New(goals ...Goal) (*Set, error) {
	s, found := compileRules(Defaults{}, goals, func(int, string, int) (int, int) { return 0, 0 }, "")
	if err := rulesError(found); err != nil {
		return nil, err
	}
	return s, nil
}

// Load reads a rule file: one YAML document in UTF-8 of at most 4 MiB. The error is an
// [*Error] with every fault, or that of reading the file, such as [os.ErrNotExist].
func Load(path string) (*Set, error) {
	text, _, err := Read(path)
	if err != nil {
		return nil, err
	}
	return ParseFile(path, text)
}

// Parse reads the text of a rule file, as [Load] does. The error is an [*Error] with
// every fault.
func Parse(text []byte) (*Set, error) { return ParseFile("", text) }

// ParseFile is [Parse] with the name of a file, which it does not read: faults name
// it. It is strict: an unknown key, a key given twice or a value of the wrong kind is a
// fault with its line and column. A rule file is written by people who do not read Go,
// so every message says what to write.
func ParseFile(file string, text []byte) (*Set, error) {
	l := &loader{file: file}
	root := l.parse(text)
	if root == nil {
		return nil, rulesError(l.list) // what YAML did not understand cannot be judged further
	}
	defaults := l.document(root)
	s, found := compileRules(defaults, l.goals, l.position, file)
	// Both passes report, so that one look at the file mends it all.
	if err := rulesError(append(l.list, l.withoutFollowing(found)...)); err != nil {
		return nil, err
	}
	s.hash = hashOf(text)
	return s, nil
}

// Read reads the text of a rule file for [ParseFile]. If the file is longer than a rule file
// may be, it reads just enough for that fault. hash is the text's fingerprint, as [Set.Hash]
// has it. A program can see by it whether the file has changed.
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
