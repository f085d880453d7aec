package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/requests"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// triedRequest is a request of the try command.
type triedRequest struct {
	requests.Request

	later time.Duration // after the first one
}

// readRequests reads the words behind the rule file, and returns all that is wrong with
// them.
func readRequests(words []string, session bool) (list []triedRequest, err error) {
	if len(words) > 0 && words[0] == "curl" { // a command that a shell has taken apart
		one, err := requests.Curl(words[1:])
		return []triedRequest{{Request: one}}, err
	}
	var faults []error
	var clock time.Duration
	for i, word := range words {
		if isTakenApart(words[i:]) {
			return nil, fmt.Errorf("a request is one argument: put quotes around it, such as '%s %s'", word, words[i+1])
		}
		if d, err := settings.Duration(word); session && err == nil && d > 0 && word[0] != '+' {
			faults = append(faults, fmt.Errorf("%q: a time that passes is written +%s", word, word))
			continue
		}
		if pause, ok := strings.CutPrefix(word, "+"); ok {
			d, err := settings.Duration(pause)
			switch {
			case err != nil || d < 0:
				err = fmt.Errorf("%q is not a time, such as +30m or +1d", word)
			case !session:
				err = fmt.Errorf("%s lets time pass in a visit: write --session", word)
			}
			clock, faults = clock+d, append(faults, err)
			continue
		}
		read, err := readWord(word)
		faults = append(faults, err)
		began := clock
		for _, r := range read {
			clock = max(clock, began+r.After)
			list = append(list, triedRequest{Request: r, later: began + r.After})
		}
	}
	return list, errors.Join(faults...)
}

// isTakenApart reports whether the words begin with a request that had no quotes around it.
func isTakenApart(words []string) bool {
	return len(words) > 1 && slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead}, words[0])
}

// readWord reads the requests that a word names or is.
func readWord(word string) ([]requests.Request, error) {
	in := os.Stdin
	if word != standardInput {
		if !isFile(word) {
			one, err := requests.Parse(word)
			return []requests.Request{one}, err
		}
		file, err := os.Open(word) //nolint:gosec // The user names the file.
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	list, err := requests.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", word, err)
	}
	return list, nil
}

// isFile tells the name of a file from a request, which has a blank or is an address.
func isFile(word string) bool {
	if strings.EqualFold(filepath.Ext(word), ".har") && !strings.Contains(word, "://") {
		return true
	}
	info, err := os.Stat(word)
	return err == nil && !info.IsDir()
}
