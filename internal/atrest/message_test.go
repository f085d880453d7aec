package atrest

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/queue"
)

const (
	ann = "aaaaaaaa-0000-4000-8000-000000000001"
	bob = "bbbbbbbb-0000-4000-8000-000000000001"
)

var annsBytes = [16]byte{0xaa, 0xaa, 0xaa, 0xaa, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 1}

func keysOf(t *testing.T, letters string) *Keys {
	t.Helper()
	var secrets []Secret
	for _, l := range letters {
		secrets = append(secrets, Secret{bytes.Repeat([]byte{byte(l)}, 32), bytes.Repeat([]byte{byte(l)}, 32)})
	}
	k, err := New(MessageUse, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestMessage: a message is sealed if it is private and there are keys, and whose it is can
// be told by those alone who know the browser ID.
func TestMessage(t *testing.T) {
	const text = `{"data":{"mail":"ann@example.com"}}`
	for _, test := range []struct {
		name, seals, opens string
		private, sealed    bool
		err                error
	}{
		{name: "no keys", private: true},
		{name: "of nobody", seals: "a", opens: "a"},
		{name: "private", seals: "a", opens: "a", private: true, sealed: true},
		{name: "an older key", seals: "a", opens: "ba", private: true, sealed: true},
		{name: "a key that is gone", seals: "a", opens: "b", private: true, sealed: true, err: ErrNoKey},
		{name: "keys that are gone", seals: "a", private: true, sealed: true, err: ErrNoKey},
	} {
		t.Run(test.name, func(t *testing.T) {
			kept := keysOf(t, test.seals).Keep(&Message{Browser: annsBytes, Private: test.private, Body: []byte(text)})
			if bytes.Contains(kept, []byte("ann@")) == test.sealed {
				t.Errorf("sealed: want %v: %q", test.sealed, kept)
			}
			for _, id := range [][]byte{annsBytes[:], []byte(ann)} {
				if bytes.Contains(kept, id) {
					t.Errorf("it has the browser ID in it: %q", kept)
				}
			}
			opens := keysOf(t, test.opens)
			got, err := opens.Text(kept)
			if !errors.Is(err, test.err) || err == nil && string(got) != text {
				t.Errorf("%q, %v", got, err)
			}
			r, err := opens.MessageRecord(queue.SpoolEntry{Letter: queue.Letter{Item: queue.Item{Body: kept}}})
			if !errors.Is(err, test.err) || !r.Of(ann) || r.Of(bob) || r.Of("") || r.Of("aa") {
				t.Errorf("whose it is: %v", err)
			}
			if !IsMessage(kept) {
				t.Error("it is no message")
			}
			for i := range kept {
				changed := bytes.Clone(kept)
				changed[i] ^= 4
				if got, err := opens.Text(changed); test.sealed && err == nil {
					t.Fatalf("byte %d changed: %q", i, got)
				}
				_, _ = opens.Text(kept[:i]) // does not panic
				_, _ = opens.MessageRecord(queue.SpoolEntry{Letter: queue.Letter{Item: queue.Item{Body: kept[:i]}}})
			}
		})
	}
	var none *Keys
	a, b := none.Keep(&Message{Browser: annsBytes, Body: []byte(text)}), none.Keep(&Message{Browser: annsBytes, Body: []byte(text)})
	if bytes.Equal(a[2:34], b[2:34]) {
		t.Error("two messages of one visitor can be told from those of others")
	}
	if got, err := none.Text([]byte(text)); err != nil || string(got) != text {
		t.Errorf("one of an earlier version: %q, %v", got, err)
	}
	for _, kept := range []string{"", "\x01", "\x02", "\x02\x08{}", "\x02\x02{}", "\x03\x00{}"} {
		if got, err := none.Text([]byte(kept)); err == nil {
			t.Errorf("%q is a message: %q", kept, got)
		}
	}
	if r, _ := none.MessageRecord(queue.SpoolEntry{Letter: queue.Letter{Item: queue.Item{Body: none.Keep(&Message{Body: []byte("{}")})}}}); r.Of(strings.Repeat("0", 32)) {
		t.Error("a message of nobody is somebody's")
	}
}
