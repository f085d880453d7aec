package scan

import "testing"

func TestJSON(t *testing.T) {
	const text = "\xef\xbb\xbf {\"a\": {\"b\": 7, \"\": \"x\"}, \"big\": 9007199254740993, \"half\": 0.5, \"far\": 1e3, \"list\": [1], \"none\": null} \n"
	j := JSON{Text: []byte(text)}
	for path, want := range map[string]any{
		"a.b": int64(7), "big": "9007199254740993", "half": 0.5, "far": 1000.0, "none": nil, "absent": nil, "a.b.c": nil, "list.0": nil,
	} {
		if got := j.Member(path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	for text, valid := range map[string]bool{"": false, "null": true, "{}": true, "{} {}": false, "{": false, "[1]\n": true, "x": false} {
		if j := (JSON{Text: []byte(text)}); j.Valid() != valid {
			t.Errorf("%q is JSON: %t", text, !valid)
		}
		if whole := valid && text != "null"; IsWhole([]byte(text)) != whole {
			t.Errorf("%q is whole: %t", text, !whole)
		}
	}
}
