package page

import (
	"bytes"
	"reflect"
	"testing"
)

// FuzzParse: whatever comes, a message that is read is within its bounds.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		`{"g":"DEMO","i":"event-01","u":"/a?b=c","d":{"plan":"pro","none":null},"s":1}`, `{"g":"","i":"event-01","u":"/"}`,
		`{"g":"A","i":"event-01","u":"//a/../b;c#d"}`, `{"g":null}`, `[]`, `{"d":{"a":{"b":1}}}`, "{\"g\":\"\xff\"}", `{"G":"A","I":"event-01","U":"/"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > mostBytes {
			return
		}
		if quick, ok := skim(text); ok {
			// With a blank before it, the same is read in the other way.
			whole := parse(append([]byte(" "), bytes.Replace(text, []byte(`"g":`), []byte(`"g": `), 1)...))
			if !reflect.DeepEqual(quick, whole) {
				t.Fatalf("%q is skimmed as %+v, and read as %+v", text, quick, whole)
			}
		}
		m := parse(text)
		if m == nil {
			return
		}
		if len(m.Goal) > mostGoal || len(m.ID) < leastID || len(m.ID) > mostID || m.Path == "" || m.Path[0] != '/' || len(m.Data) > mostData {
			t.Fatalf("%q became %+v", text, m)
		}
		for name, value := range m.Data {
			if len(name) > mostName || len(value) > mostValue {
				t.Fatalf("%q became %+v", text, m)
			}
		}
	})
}
