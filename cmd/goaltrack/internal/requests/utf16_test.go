package requests

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"
)

// TestUTF16: what PowerShell writes into a file (>), and what Notepad saves as "Unicode", is
// read as the same text in UTF-8.
func TestUTF16(t *testing.T) {
	har := `{"log":{"entries":[{"request":{"method":"GET","url":"https://shop.example/größe"},"response":{"status":200,"content":{"mimeType":"text/html"}}}]}}`
	for _, text := range []string{"GET /größe\r\nPOST /contact topic=tea -> 303 /thanks\r\n", har} {
		want, err := ReadAll(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for name, encoding := range map[string]unicode.Endianness{"little": unicode.LittleEndian, "big": unicode.BigEndian} {
			wide, err := unicode.UTF16(encoding, unicode.UseBOM).NewEncoder().String(text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ReadAll(strings.NewReader(wide))
			if err != nil || len(got) != len(want) || got[0].Line != want[0].Line {
				t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
			}
		}
		if got, err := ReadAll(strings.NewReader("\ufeff" + text)); err != nil || got[0].Line != want[0].Line {
			t.Errorf("a byte order mark: %+v, %v", got, err)
		}
	}
}
