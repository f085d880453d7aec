package goaltrack

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goaltrack/goaltrack/rule"
)

// watchEvery is how often WatchRules looks at the file.
const watchEvery = 2 * time.Second

// WatchRules follows a rule file until ctx ends. When the content of the file
// changes, WatchRules loads it and puts it in force. It blocks, so start it in
// a goroutine of its own. It returns the error of ctx.
//
// A file with faults never replaces the rules in force. Its faults are logged
// once, and RulesFault of the Snapshot names them. WatchRules reads the file
// every two seconds and compares the content. So it does not matter how the
// file is changed: in place, by an editor that renames, or by a Kubernetes
// ConfigMap that swaps a symlink. A new content is put in force only when it is
// the same at the next look, because a file may be half written.
func (t *Tracker) WatchRules(ctx context.Context, path string) error {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	seen, said := t.rules.Load().Hash(), ""
	settling := ""     // the content that was new at the last look
	var judged *string // what is wrong with the content seen
	for {
		text, hash, err := rule.Read(path)
		switch {
		case err != nil:
			if said != err.Error() {
				said = err.Error()
				t.rulesFault(path, err)
			}
		case hash == seen:
			if settling = ""; said != "" { // the file is there again, as it was
				said = ""
				t.fault.Store(judged)
			}
		case hash != settling:
			settling = hash // perhaps half-written: once more
		default:
			seen, said, settling = hash, "", ""
			t.reload(path, text)
			judged = t.fault.Load()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// reload puts the text of a rule file in force, if it has no faults.
func (t *Tracker) reload(path string, text []byte) {
	rules, err := rule.ParseFile(path, text)
	if err == nil {
		err = t.SetRules(rules)
	}
	if err != nil {
		t.rulesFault(path, err)
		return
	}
	t.fault.Store(nil)
	t.config.Logger.Info("goaltrack: new rules in force", "file", path, "hash", rules.Hash(), "goals", len(rules.Goals()))
}

// rulesFault notes that a rule file could not be put in force.
func (t *Tracker) rulesFault(path string, err error) {
	text := err.Error()
	t.fault.Store(&text)
	attrs := []any{"file", path, "error", err}
	if faults, ok := errors.AsType[*RulesError](err); ok {
		attrs = []any{"file", path, "faults", len(faults.Faults), "first", fmt.Sprint(faults.Faults[0])}
	}
	t.config.Logger.Error("goaltrack: the rule file is not put in force; the rules before it stay", attrs...)
}
