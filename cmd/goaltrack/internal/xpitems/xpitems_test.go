package xpitems_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/text/encoding/unicode"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/draft"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/xpitems"
	"github.com/goaltrack/goaltrack/rule"
)

// TestTenItems: ten items as the Sitecore CLI and as Unicorn write them say the same.
func TestTenItems(t *testing.T) {
	for _, format := range []string{"scs", "unicorn", "."} { // the last has both
		found, err := xpitems.ReadDir(t.Context(), os.DirFS(filepath.Join("testdata", format)), xpitems.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, g := range found.Goals {
			got = append(got, fmt.Sprintf("%s, %s, %v, %v, visits %v, downloads %v, named %d, rule %v", g.Name, g.Label, g.Description, g.Points, g.Visits, g.Downloads, len(g.Named), g.Rule))
		}
		want := []string{
			"Brochure Download, Brochure Download, , 5, visits [], downloads [/-/media/Shop/Tea-Guide.pdf], named 0, rule false",
			"Newsletter Signup, Signed up for the newsletter, Somebody wants our newsletter: the monthly one., 10, visits [], downloads [], named 1, rule false",
			"Pricing Viewed, Pricing Viewed, , 3, visits [/Price-List], downloads [], named 0, rule false",
			"Search, Search, , 0, visits [], downloads [], named 0, rule true",
			"Register, Register, , 20, visits [], downloads [], named 0, rule false",
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got\n%s\nwant\n%s", format, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		left := strings.Join(found.Left, "\n")
		for _, want := range []string{"campaign Spring", "Campaign Spring", "profile cards", "Goal Search has rules", "Page event Long Form"} {
			if !strings.Contains(left, want) {
				t.Errorf("%s: no %q in\n%s", format, want, left)
			}
		}
		if len(found.Left) != 5 {
			t.Errorf("%s: %d lines are left\n%s", format, len(found.Left), left)
		}
	}
}

// TestImported tries the goals of the ten items as a live site would.
func TestImported(t *testing.T) {
	found, err := xpitems.ReadDir(t.Context(), os.DirFS("testdata/scs"), xpitems.Options{})
	if err != nil {
		t.Fatal(err)
	}
	file := draft.File{About: draft.AboutXP(found, "scs"), Currency: "none", Goals: draft.FromXP(found), Left: found.Left}
	text, err := file.Text()
	if err != nil {
		t.Fatal(err)
	}
	rules, err := rule.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for request, want := range map[string]string{
		"GET /price-list": "PRICING_VIEWED 3",
		"GET /-/media/shop/tea-guide.pdf -> 200 type=application/pdf": "BROCHURE_DOWNLOAD 5",
		"GET /": "",
	} {
		example, err := rule.ParseExample(request)
		if err != nil {
			t.Fatal(err)
		}
		var fired []string
		for _, v := range rules.Explain(example) {
			if v.Fired {
				fired = append(fired, fmt.Sprint(v.Goal, " ", v.Value))
			}
		}
		if got := strings.Join(fired, ", "); got != want {
			t.Errorf("%s: %q, want %q", request, got, want)
		}
	}
}

const goal = "ID: \"11111111-1111-1111-1111-111111111111\"\nTemplate: \"475e9026-333f-432d-a4dc-52e03b75cb6b\"\nPath: /sitecore/system/Marketing Control Panel/Goals/A\n"

func page(path, tracking string) string {
	return "ID: \"22222222-2222-2222-2222-222222222222\"\nTemplate: \"33333333-3333-3333-3333-333333333333\"\nPath: " + path +
		"\nSharedFields:\n- ID: \"b0a67b2a-8b07-4e0b-8809-69f751709806\"\n  Hint: __Tracking\n  Value: |\n    " + tracking + "\n"
}

// TestAddresses: which address a page has.
func TestAddresses(t *testing.T) {
	const event = `<tracking><event id="{11111111-1111-1111-1111-111111111111}" name="A"/></tracking>`
	for _, test := range []struct{ path, start, want string }{
		{"/sitecore/content/Home", "", "/"},
		{"/sitecore/content/home/a b/C", "", "/a-b/C"},
		{"/sitecore/content/Tenant/Site/Home/a", "", "/a"},
		{"/sitecore/content/Homes/a", "", ""},
		{"/sitecore/content/Homes/a", "/sitecore/content/homes/", "/a"},
		{"/sitecore/content/Homes", "/sitecore/content/Homes", "/"},
		{"/sitecore/content/Other/Home/a", "/sitecore/content/Homes", ""},
		{"/sitecore/templates/Page/__Standard Values", "", ""},
		{"/sitecore/content", "", ""},
		{"/sitecore/content/Ⱥ/a", "/sitecore/content/Ⱥ", "/a"}, // a letter that is longer in lower case
		{"/sitecore/content/Ⱥ/a", "/sitecore/content/ⱥ", ""},
	} {
		dir := fstest.MapFS{"a.yml": {Data: []byte(goal)}, "b.yml": {Data: []byte(page(test.path, event))}}
		found, err := xpitems.ReadDir(t.Context(), dir, xpitems.Options{StartItem: test.start})
		if err != nil || len(found.Goals) != 1 {
			t.Fatal(found, err)
		}
		if got := strings.Join(found.Goals[0].Visits, " "); got != test.want || (got == "") != (len(found.Left) == 1) {
			t.Errorf("%s below %q: %q, want %q, left %q", test.path, test.start, got, test.want, found.Left)
		}
	}
}

// TestEncodings: an item in UTF-16 is one, and of one in an encoding that no item has is said
// that it cannot be read.
func TestEncodings(t *testing.T) {
	item := strings.Replace(goal, "Goals/A", "Goals/Größe", 1)
	for _, wide := range []unicode.Endianness{unicode.LittleEndian, unicode.BigEndian} {
		text, err := unicode.UTF16(wide, unicode.UseBOM).NewEncoder().String(strings.ReplaceAll(item, "\n", "\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		found, err := xpitems.ReadDir(t.Context(), fstest.MapFS{"a.yml": {Data: []byte(text)}}, xpitems.Options{})
		if err != nil || len(found.Goals) != 1 || found.Goals[0].Name != "Größe" || len(found.Left) > 0 {
			t.Errorf("%+v, %v", found, err)
		}
	}
	latin := strings.NewReplacer("ö", "\xf6", "ß", "\xdf").Replace(item)
	found, err := xpitems.ReadDir(t.Context(), fstest.MapFS{"a.yml": {Data: []byte(latin)}}, xpitems.Options{})
	if err != nil || len(found.Goals) > 0 || len(found.Left) != 1 || !strings.HasPrefix(found.Left[0], "a.yml cannot be read: ") {
		t.Errorf("%+v, %v", found, err)
	}
}

// TestFaultyItems: what cannot be read is listed, and keeps nothing else from being read.
func TestFaultyItems(t *testing.T) {
	for name, test := range map[string]struct{ text, left string }{
		"no YAML":           {"ID: [475e9026-333f-432d-a4dc-52e03b75cb6b\n", "b.yml cannot be read: "},
		"no XML":            {page("/sitecore/content/Home", "<tracking><event"), "its field __Tracking cannot be read: "},
		"an unknown goal":   {page("/sitecore/content/Home", `<tracking><event id="{44444444-1111-1111-1111-111111111111}" name="B"/></tracking>`), "names B, which is no goal among these items"},
		"points":            {strings.NewReplacer("1111", "5555", "/A", "/B").Replace(goal) + "SharedFields:\n- Hint: Points\n  Value: many\n", `its points "many" are no number`},
		"points below 0":    {strings.NewReplacer("1111", "5555", "/A", "/B").Replace(goal) + "SharedFields:\n- Hint: Points\n  Value: -5\n", "its points -5 are below 0"},
		"too large":         {"# " + strings.Repeat("x", 4<<20), "b.yml cannot be read: it is larger than 4 MiB"},
		"something else":    {"a: 475e9026-333f-432d-a4dc-52e03b75cb6b\nLanguages: 1\n", ""},
		"an item of no use": {"ID: \"66666666-2222-2222-2222-222222222222\"\nPath: /sitecore/content/x\n", ""},
	} {
		dir := fstest.MapFS{"a.yml": {Data: []byte(goal)}, "b.yml": {Data: []byte(test.text)}, "c.txt": {Data: []byte(goal)}, "d": {Mode: fs.ModeDir}}
		found, err := xpitems.ReadDir(t.Context(), dir, xpitems.Options{})
		if err != nil || !slices.ContainsFunc(found.Goals, func(g xpitems.Goal) bool { return g.Name == "A" }) {
			t.Fatal(name, found, err)
		}
		if left := strings.Join(found.Left, "\n"); !strings.Contains(left, test.left) || len(found.Left) > 1 || (test.left == "") != (left == "") {
			t.Errorf("%s: left %q, want %q", name, left, test.left)
		}
	}
	if _, err := xpitems.ReadDir(t.Context(), os.DirFS("testdata/none"), xpitems.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// FuzzItems reads any file beside a goal. What comes of it is a rule file without faults.
func FuzzItems(f *testing.F) {
	_ = filepath.WalkDir("testdata/scs", func(name string, entry fs.DirEntry, _ error) error {
		if entry.Type().IsRegular() {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
		return nil
	})
	f.Add([]byte(page("/sitecore/media library/{a}*.b", `<tracking><event name="A"/></tracking>`)))
	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := xpitems.ReadDir(t.Context(), fstest.MapFS{"a.yml": {Data: []byte(goal)}, "b.yml": {Data: text}}, xpitems.Options{})
		if err != nil {
			t.Fatal(err)
		}
		file := draft.File{About: draft.AboutXP(found, "dir"), Currency: "none", Goals: draft.FromXP(found), Left: found.Left}
		if made, err := file.Text(); err != nil {
			t.Errorf("%v in\n%s", err, made)
		}
	})
}
