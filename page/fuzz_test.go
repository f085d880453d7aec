package page

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParse: whatever comes, a message that is read is within its bounds.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		`{"g":"DEMO","i":"event-01","u":"/a?b=c","d":{"plan":"pro","none":null},"s":1}`, `{"g":"","i":"event-01","u":"/"}`,
		`{"g":"A","i":"event-01","u":"/","d":{},"p":"pAAAA"}`, `{"g":"A","i":"event-01","u":"/","d":{},"s":1,"p":"pAAAA"}`, `{"g":"A","i":"event-01","u":"/","d":{},"p":1}`,
		`{"g":"A","i":"event-01","u":"/%zz","d":{}}`, `{"g":"A","i":"event-01","u":"/%2e","d":{}}`, `{"g":"A","i":"event-01","u":"/a b","d":{}}`, `{"g":"A","i":"event-01","u":"a","d":{}}`,
		`{"g":"A","i":"event","u":"/","d":{}}`, `{"g":"A","i":"event_01","u":"/","d":{}}`, `{"g":"A","i":"` + strings.Repeat("i", mostID+1) + `","u":"/","d":{}}`,
		`{"g":"` + strings.Repeat("g", mostGoal+1) + `","i":"event-01","u":"/","d":{}}`, `{"g":"A","i":"event-01","u":"/","d":{"":"v"}}`,
		`{"g":"A","i":"event-01","u":"/","d":{"` + strings.Repeat("n", mostName+1) + `":"v"}}`, `{"g":"A","i":"event-01","u":"/","d":{"n":"` + strings.Repeat("v", mostValue+1) + `"}}`,
		`{"g":"A","i":"event-01","u":"/","d":{"a":"1"` + pairs(mostData) + `}}`, `{"g":"A","i":"event-01","u":"/","d":{"a":"1","a":"2"}}`, `{"g":"A","i":"event-01","u":"/","d":{"a":null,"":null}}`,
		`{"g":"\u0041","i":"event-01","u":"/\u0000"}`, "{\"g\":\"A\x00\",\"i\":\"event-01\",\"u\":\"/\"}", strings.Repeat(`{"d":`, 300), strings.Repeat("[", mostBytes),
		`{"g":"A","i":"event-01","u":"//a/../b;c#d"}`, `{"g":null}`, `[]`, `{"d":{"a":{"b":1}}}`, "{\"g\":\"\xff\"}", `{"G":"A","I":"event-01","U":"/"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > mostBytes {
			return
		}
		if quick, from, ok := skim(text); ok {
			// With a blank before it, the same is read in the other way.
			whole, stamp := parse(append([]byte(" "), bytes.Replace(text, []byte(`"g":`), []byte(`"g": `), 1)...))
			if !reflect.DeepEqual(quick, whole) || from != stamp {
				t.Fatalf("%q is skimmed as %+v, and read as %+v", text, quick, whole)
			}
		}
		m, _ := parse(text)
		if m == nil {
			return
		}
		if len(m.Goal) > mostGoal || len(m.ID) < leastID || len(m.ID) > mostID || m.Path == "" || m.Path[0] != '/' || len(m.Data) > mostData {
			t.Fatalf("%q became %+v", text, m)
		}
		for name, value := range m.Data {
			if len(name) > mostName || utf8.RuneCountInString(value) > mostValue {
				t.Fatalf("%q became %+v", text, m)
			}
		}
	})
}

// pairs are so many more members of an object.
func pairs(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `,"n%d":"v"`, i)
	}
	return text.String()
}
