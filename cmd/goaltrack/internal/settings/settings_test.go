package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// shop is a table with a setting of each kind.
var shop = &Table{
	Prefix: "SHOP_", Config: "config", Main: "serve",
	Rows: []Setting{
		{Name: "pos", Commands: []string{"serve", "ask"}, Shared: true, Value: "NAME"},
		{Name: "to", Commands: []string{"serve"}, Value: "URL"},
		{Name: "client-key", Commands: []string{"serve"}, Secret: true, Value: "KEY"},
		{Name: "level", Kind: Word, Commands: []string{"serve"}, OneOf: []string{"low", "high"}, Default: "low"},
		{Name: "region", Kind: Word, Commands: []string{"serve"}, OneOf: []string{"eu", "us"}},
		{Name: "watch", Kind: Switch, Commands: []string{"serve"}},
		{Name: "wait", Kind: Time, Commands: []string{"serve"}, Most: "10s", Like: "100ms"},
		{Name: "grace", Kind: Time, Commands: []string{"serve"}, Least: "0s", Default: "4s", Like: "4s"},
		{Name: "max-age", Kind: Time, Commands: []string{"serve"}, Least: "1s", Like: "30d"},
		{Name: "workers", Kind: Count, Commands: []string{"serve"}, Most: "1024", Like: "16"},
		{Name: "burst", Kind: Count, Commands: []string{"serve"}, Like: "200"},
		{Name: "per-second", Kind: Number, Commands: []string{"serve"}, Least: "0.5", Like: "20"},
		{Name: "bytes", Kind: Size, Commands: []string{"serve"}, Like: "16MiB"},
		{Name: "paths", Kind: List, Commands: []string{"serve"}},
		{Name: "agents", Kind: Texts, Commands: []string{"serve"}},
		{Name: "staff", Kind: Networks, Commands: []string{"serve"}},
		{Name: "rules", Kind: File, Commands: []string{"serve"}, Value: "FILE"},
		{Name: "spool", Kind: Dir, Commands: []string{"serve"}},
		{Name: "config", Kind: File, Commands: []string{"serve", "ask"}, Value: "FILE"},
		{Name: "import", Commands: []string{"ask"}},
		{Name: "token", Commands: []string{"ask"}, Secret: true},
		{Name: "sites", Kind: Group, Commands: []string{"serve"}, Value: "site"},
		{Name: "hosts", Kind: List, Group: "sites"},
		{Name: "all", Kind: Switch, Commands: []string{"list"}},
	},
}

func put(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// show is a value as Go has it.
func show(v *Values, name string) string { return fmt.Sprintf("%v", v.parsed[name]) }

// TestKinds reads good and bad values of each kind from a flag.
func TestKinds(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"level", "", "low"},
		{"level", "high", "high"},
		{"level", "middle", `--level: "middle" is not one of: low, high`},
		{"region", "mars", `--region: "mars" is not one of: eu, us`},
		{"watch", "1", "true"},
		{"watch", "yes", `--watch: "yes" is neither true nor false`},
		{"wait", "250us", "250µs"},
		{"wait", "10s", "10s"},
		{"wait", "11s", `--wait: "11s" is not a time between 1ms and 10s, such as 100ms`},
		{"wait", "0", `--wait: "0" is not a time between 1ms and 10s, such as 100ms`},
		{"wait", "5", `--wait: "5" is not a time`},
		{"grace", "", "4s"},
		{"grace", "0s", "0s"},
		{"grace", "-1s", `--grace: "-1s" is not a time such as 4s`},
		{"max-age", "400d", "9600h0m0s"},
		{"max-age", "1.5d", `--max-age: "1.5d" is not a time such as 30d`},
		{"max-age", "10ms", `--max-age: "10ms" is not a time such as 30d`},
		{"max-age", "99999999d", `--max-age: "99999999d" is not a time`},
		{"workers", "16", "16"},
		{"workers", "0", `--workers: "0" is not a whole number between 1 and 1024, such as 16`},
		{"workers", "1025", `--workers: "1025" is not a whole number`},
		{"workers", "1.5", `--workers: "1.5" is not a whole number`},
		{"burst", "-1", `--burst: "-1" is not a whole number of at least 1, such as 200`},
		{"burst", "9223372036854775807", `--burst: "9223372036854775807" is not a whole number`},
		{"per-second", "0.5", "0.5"},
		{"per-second", "0.1", `--per-second: "0.1" is not a number of at least 0.5, such as 20`},
		{"per-second", "NaN", `--per-second: "NaN" is not a number`},
		{"per-second", "Inf", `--per-second: "Inf" is not a number`},
		{"bytes", "16 MiB", "1.6777216e+07"},
		{"bytes", "1GB", "1e+09"},
		{"bytes", "512", "512"},
		{"bytes", "12 apples", `--bytes: "12 apples" is not a size such as 16MiB`},
		{"bytes", "-1MiB", `--bytes: "-1MiB" is not a size`},
		{"bytes", "99999999999TiB", `--bytes: "99999999999TiB" is not a size`},
		{"paths", "/a, /b,,", "[/a /b]"},
		{"paths", "none", "[]"},
		{"staff", "10.0.0.0/8,\n192.0.2.7\r\n,2001:db8::/32", "[10.0.0.0/8 192.0.2.7/32 2001:db8::/32]"},
		{"staff", "office,10.0.0.0/99", "--staff: \"office\" is not a network such as 10.0.0.0/8\n--staff: \"10.0.0.0/99\" is not a network"},
	} {
		v, err := shop.Load("serve", map[string]string{test.name: test.text}, nil)
		switch got := show(v, test.name); {
		case err == nil && got != test.want:
			t.Errorf("%s %q is %s, want %s", test.name, test.text, got, test.want)
		case err != nil && !strings.HasPrefix(err.Error(), test.want):
			t.Errorf("%s %q: %v, want %s", test.name, test.text, err, test.want)
		case err != nil && !v.Given(test.name):
			t.Errorf("%s %q: it was not given", test.name, test.text)
		}
	}
}

// TestClean has what copying, editors and shells put into values.
func TestClean(t *testing.T) {
	const bom, zero, nbsp = "\ufeff", "\u200b", "\u00a0"
	for _, test := range []struct {
		text  string
		path  bool
		want  string
		fault string
	}{
		{text: "shop\n", want: "shop"},
		{text: "\r\n\t shop \v\f\r\n", want: "shop"},
		{text: nbsp + "shop" + nbsp, want: "shop"},
		{text: bom + "shop" + zero, want: "shop"},
		{text: "\u202ashop\u202c", want: "shop"},
		{text: "two words", want: "two words"},
		{text: "  ", want: ""},
		{text: "it's", want: "it's"},
		{text: `say "yes"`, want: `say "yes"`},
		{text: `consent="yes"`, want: `consent="yes"`},
		{text: `"`, want: `"`},
		{text: "größe", want: "größe"},
		{text: `"shop"`, fault: `the value has quotes at both ends (""): write it without`},
		{text: `'shop'` + "\n", fault: "the value has quotes at both ends ('')"},
		{text: `""`, fault: "the value has quotes at both ends"},
		{text: "“shop”", fault: "the value has quotes at both ends (“”)"},
		{text: "„shop“", fault: "the value has quotes at both ends"},
		{text: "`shop`", fault: "the value has quotes at both ends"},
		{text: "sh\nop", fault: "the value has a line break in it (U+000A)"},
		{text: "sh\u2028op", fault: "the value has a line break in it (U+2028)"},
		{text: "sh\x00op", fault: "the value has a control character in it (U+0000)"},
		{text: "\x1b[31mshop", fault: "the value has a control character in it (U+001B)"},
		{text: "sh\top", fault: "the value has a control character in it (U+0009)"},
		{text: "shop\x7f", fault: "the value has a control character in it (U+007F)"},
		{text: "sh" + zero + "op", fault: "the value has a character that cannot be seen in it (U+200B)"},
		{text: "sh" + bom + "op", fault: "the value has a character that cannot be seen in it (U+FEFF)"},
		{text: "sh" + nbsp + "op", fault: "the value has a blank that is no space in it (U+00A0)"},
		{text: "sh\xffop", fault: "the value is not in UTF-8"},
		{text: "/mnt/my" + nbsp + "files/\u200dx", path: true, want: "/mnt/my" + nbsp + "files/\u200dx"},
		{text: "/mnt/caf\xe9", path: true, want: "/mnt/caf\xe9"},
		{text: "/mnt/a\nb", path: true, fault: "the value has a line break in it"},
	} {
		got, err := clean(test.text, test.path)
		if got != test.want || (err != nil) != (test.fault != "") || err != nil && !strings.HasPrefix(err.Error(), test.fault) {
			t.Errorf("%q is %q, %v, want %q, %s", test.text, got, err, test.want, test.fault)
		}
		if err != nil && strings.Contains(err.Error(), "op") {
			t.Errorf("%q is given away: %v", test.text, err)
		}
	}
}

// TestUnclean gives the same bad value in every way, also in lists and groups. The
// fault says where it stands, and not what it is.
func TestUnclean(t *testing.T) {
	const secret = "s3cr\x01et"
	for _, test := range []struct {
		flags map[string]string
		env   []string
		file  string
		want  string
	}{
		{flags: map[string]string{"client-key": secret}, want: "--client-key: the value has a control character"},
		{env: []string{"SHOP_CLIENT_KEY=" + secret}, want: "SHOP_CLIENT_KEY: the value has a control character"},
		{env: []string{`SHOP_CLIENT_KEY="s3cr"`}, want: "SHOP_CLIENT_KEY: the value has quotes"},
		{file: "pos: a\nclient-key: \"s3cr\\x01et\"\n", want: "shop.yaml:2:13: client-key: the value has a control character"},
		{file: "client-key: '\"s3cr\"'\n", want: "shop.yaml:1:13: client-key: the value has quotes"},
		{file: "paths: [/a, \"/s3cr\\x01et\"]\n", want: "shop.yaml:1:13: paths: the value has a control character"},
		{file: "paths:\n  - /a\n  - \"'s3cr'\"\n", want: "shop.yaml:3:5: paths: the value has quotes"},
		{env: []string{`SHOP_PATHS="/a","/s3cr"`}, want: "SHOP_PATHS: the value has quotes"},
		{env: []string{`SHOP_PATHS=/a,"/s3cr"`}, want: "SHOP_PATHS: the value has quotes"},
		{env: []string{"SHOP_STAFF=10.0.0.0/8\n192.0.2.7"}, want: "SHOP_STAFF: the value has a line break"},
		{file: "sites:\n  - pos: \"s3cr\\x01et\"\n", want: "shop.yaml:2:10: pos: the value has a control character"},
		{file: "sites:\n  - hosts: [\"s3cr\\x01et\"]\n", want: "shop.yaml:2:13: hosts: the value has a control character"},
		{file: "rules: '\"s3cr\"'\n", want: "shop.yaml:1:8: rules: the value has quotes"},
		{flags: map[string]string{"config": `"s3cr.yaml"`}, want: "--config: the value has quotes"},
	} {
		flags := test.flags
		if test.file != "" {
			flags = map[string]string{"config": put(t, test.file)}
		}
		_, err := shop.Load("serve", flags, test.env)
		if err == nil || strings.Count(err.Error(), "\n") > 0 || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cr") {
			t.Errorf("%v %q %q: %v, want %s", test.flags, test.env, test.file, err, test.want)
		}
	}
}

// TestTrimmed gives a value with blanks around it in every way.
func TestTrimmed(t *testing.T) {
	for way, test := range map[string]struct {
		flags map[string]string
		env   []string
		file  string
	}{
		"flag":           {flags: map[string]string{"pos": " shop\n", "paths": " /a ,\n/b\u00a0"}},
		"variable":       {env: []string{"SHOP_POS=\ufeffshop\r", "SHOP_PATHS=/a,\r\n/b\r"}},
		"file":           {file: "pos: \"shop\\n\"\npaths: [\" /a\", \"/b\\r\"]\n"},
		"block":          {file: "pos: |\n  shop\npaths: |\n  /a,\n  /b\n"},
		"file of CRLF":   {file: "\ufeffpos: shop\r\npaths: /a, /b\r\n"},
		"blank and file": {env: []string{"SHOP_POS= \r"}, file: "pos: shop\npaths: /a,/b"},
	} {
		flags := test.flags
		if test.file != "" {
			flags = map[string]string{"config": put(t, test.file)}
		}
		v, err := shop.Load("serve", flags, test.env)
		if err != nil || v.Text("pos") != "shop" || !slices.Equal(v.List("paths"), []string{"/a", "/b"}) {
			t.Errorf("%s: %q, %q, %v", way, v.Text("pos"), v.List("paths"), err)
		}
	}
	if v, err := shop.Load("serve", map[string]string{"config": ""}, []string{"SHOP_CONFIG=" + put(t, "pos: file\n")}); err != nil || v.Text("pos") != "" {
		t.Errorf("an empty flag names the file of the environment: %q, %v", v.Text("pos"), err)
	}
	if v, err := shop.Load("serve", map[string]string{"pos": " "}, []string{"SHOP_POS=env"}); err != nil || v.Given("pos") || v.Text("pos") != "" {
		t.Errorf("a blank flag does not bring back the default: %q, %v", v.Text("pos"), err)
	}
}

// TestLists are empty on purpose, or have entries with commas.
func TestLists(t *testing.T) {
	for _, test := range []struct{ file, want string }{
		{"", "nil nil"},
		{"paths: []\nagents: none\n", "[] []"},
		{"paths: \"\"\nagents: ~\n", "nil nil"},
		{"paths: [\"/a,/b\", /c]\nagents: [\"KHTML, like Gecko\", b]\n", "[/a /b /c] [KHTML, like Gecko b]"},
		{"agents: a, b\n", "nil [a b]"},
	} {
		v, err := shop.Load("serve", map[string]string{"config": put(t, test.file)}, nil)
		text := func(list []string) string {
			if list == nil {
				return "nil"
			}
			return fmt.Sprint(list)
		}
		if got := text(v.List("paths")) + " " + text(v.List("agents")); err != nil || got != test.want {
			t.Errorf("%q is %s, want %s (%v)", test.file, got, test.want, err)
		}
	}
}

// TestRelative: the names of files in the file are relative to it.
func TestRelative(t *testing.T) {
	path := put(t, "rules: goals.yaml\nspool: /var/spool\n")
	v, err := shop.Load("serve", map[string]string{"config": path}, []string{"SHOP_SPOOL=spool"})
	if err != nil || v.Text("rules") != filepath.Join(filepath.Dir(path), "goals.yaml") || v.Text("spool") != "spool" {
		t.Errorf("%q, %q, %v", v.Text("rules"), v.Text("spool"), err)
	}
}

// TestEnvironment has variables that belong to the table, almost, and not at all.
func TestEnvironment(t *testing.T) {
	for variable, meant := range map[string]string{
		"SHOP_CLIENTKEY":          "SHOP_CLIENT_KEY",
		"SHOP_CLIENT-KEY":         "SHOP_CLIENT_KEY",
		"SHOP_CLIENT_KYE":         "SHOP_CLIENT_KEY",
		"SHOP_CLIENT_KEYS":        "SHOP_CLIENT_KEY",
		"SHOP_CLENT_KEY":          "SHOP_CLIENT_KEY",
		"shop_client_key":         "SHOP_CLIENT_KEY",
		"\ufeffSHOP_CLIENT_KEY":   "SHOP_CLIENT_KEY", // the first line of a file from Windows
		"SHOP_CLIENT_KEY" + " ":   "SHOP_CLIENT_KEY",
		"SH_OP_CLIENT_KEY":        "SHOP_CLIENT_KEY",
		"SHOP_RULE":               "SHOP_RULES",
		"SHOP_RLUES":              "SHOP_RULES",
		"SHOP_MAXAGE":             "SHOP_MAX_AGE",
		"SHOP_PSO":                "SHOP_POS",
		"SHOP_TOO":                "SHOP_TO",
		"SHOP_TOKENS":             "SHOP_TOKEN", // of another command that reads variables
		"SHOP_TOKEN":              "",
		"SHOP_POD":                "", // a common name, and another word
		"SHOP_PORT":               "",
		"SHOP_ALL":                "", // of a command that takes flags alone
		"SHOP_VERSION":            "",
		"SHOP_HOME":               "",
		"SHOPPER_CLIENT_KEY":      "", // somebody else's
		"SHOPS_CLIENT_KEY":        "",
		"SHOP_SITES":              "",
		"MYSHOP_CLIENT_KEY":       "",
		"SHOP_SERVICE_HOST":       "",
		"SHOP_SERVICE_PORT":       "",
		"SHOP_SERVICE_PORT_RULES": "",
		"SHOP_PORT_80_TCP":        "",
		"SHOP_PORT_80_TCP_PROTO":  "",
		"SHOP_PORT_80_TCP_PORT":   "",
		"SHOP_PORT_80_TCP_ADDR":   "",
		"SHOP_IM_PORT":            "", // of a service called shop-im
		"SHOP_IMPORTS":            "SHOP_IMPORT",
		"SHOP_RULES_SERVICE_HOST": "",
		"PATH":                    "",
		"":                        "",
	} {
		_, err := shop.Load("serve", nil, []string{variable + "=tcp://10.0.0.1:80", "SHOP_POS=shop"})
		switch {
		case meant == "" && err != nil:
			t.Errorf("%s is refused: %v", variable, err)
		case meant != "" && (err == nil || !strings.HasSuffix(err.Error(), ": there is no such variable; did you mean "+meant+"?")):
			t.Errorf("%s: %v, want %s", variable, err, meant)
		case err != nil && strings.Contains(err.Error(), "10.0.0.1"):
			t.Errorf("%s: its value is shown: %v", variable, err)
		}
		if _, err := shop.Load("serve", nil, []string{variable + "="}); err != nil {
			t.Errorf("%s is refused although it is empty: %v", variable, err)
		}
		if _, err := shop.Load("list", nil, []string{variable + "=x"}); err != nil {
			t.Errorf("%s is refused by a command that takes flags alone: %v", variable, err)
		}
	}
}

// TestSpell writes arguments in every way.
func TestSpell(t *testing.T) {
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	shop.Define("serve", flags)
	for _, test := range []struct {
		args     string
		operands bool
		want     string // the arguments, then the faults
	}{
		{"--pos a", false, "[--pos=a] []"},
		{"-pos a -to=b", false, "[--pos=a --to=b] []"},
		{"--pos=-a=b", false, "[--pos=-a=b] []"},
		{"--watch --pos a", false, "[--watch=true --pos=a] []"},
		{"-watch=false", false, "[--watch=false] []"},
		{"--watch true", true, "[--watch=true true] []"},
		{"--pos --to=b", false, "[--to=b] [--pos needs a value: NAME]"},
		{"--pos", false, "[] [--pos needs a value: NAME]"},
		{"--rules - - b", true, "[--rules=- - b] []"},
		{"--pso a --level=low", false, "[--level=low] [there is no flag --pso; did you mean --pos?]"},
		{"-pso a", true, "[a] [there is no flag -pso; did you mean --pos?]"},
		{"--a --b", false, "[] [there is no flag --a there is no flag --b]"},
		{"a -- --pos b", true, "[a -- --pos b] []"},
		{"--pos a -h", false, "[--help] []"},
		{"-help", false, "[--help] []"},
		{"-- -h", true, "[-- -h] []"},
		{"--sites a", false, "[] [there is no flag --sites; did you mean --bytes?]"},
	} {
		plain, faults := Spell(flags, strings.Fields(test.args), test.operands)
		if got := fmt.Sprint(plain, " ", faults); got != test.want {
			t.Errorf("%s: %s, want %s", test.args, got, test.want)
		}
	}
}

// TestGroup has entries whose defaults are the command's.
func TestGroup(t *testing.T) {
	path := put(t, "pos: a\nsites:\n  - hosts: [x.example]\n  - pos: b\n  - pos: \"\"\n")
	v, err := shop.Load("serve", map[string]string{"config": path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, one := range v.Group("sites") {
		got = append(got, fmt.Sprintf("%q %v %v %v", one.Text("pos"), one.Given("pos"), one.List("hosts"), strings.TrimPrefix(one.From("pos"), path)))
	}
	want := `"a" true [x.example] pos; "b" true [] :4:10: pos; "" false [] :5:10: pos`
	if text := strings.Join(got, "; "); text != want {
		t.Errorf("the sites are %s, want %s", text, want)
	}
	// A variable of that name is none, and a second list would hide the first.
	if v, err := shop.Load("serve", nil, []string{"SHOP_SITES=x"}); err != nil || v.Given("sites") || v.Group("sites") != nil {
		t.Errorf("sites of the environment: %v, %v", v.Group("sites"), err)
	}
	if _, err := shop.Load("serve", map[string]string{"config": put(t, "sites:\n  - pos: a\nsites:\n  - pos: b\n")}, nil); err == nil || !strings.Contains(err.Error(), ":3:1: sites: given twice") {
		t.Errorf("sites given twice: %v", err)
	}
	// Another command leaves them alone, and what stands in them.
	if _, err := shop.Load("ask", map[string]string{"config": put(t, "pos: a\nsites: nonsense\nrules: x\n")}, nil); err != nil {
		t.Error(err)
	}
	// The file of the main command has none of another's.
	if _, err := shop.Load("serve", map[string]string{"config": put(t, "token: x\n")}, nil); err == nil || !strings.Contains(err.Error(), `:1:1: there is no setting "token"`) {
		t.Errorf("a setting of another command: %v", err)
	}
}

// TestLines shows what holds, and no secret.
func TestLines(t *testing.T) {
	path := put(t, "level: high\nsites:\n  - pos: b\n")
	v, err := shop.Load("serve", map[string]string{"config": path, "client-key": "hush", "to": "http://me:hush@site.example/"}, []string{"SHOP_POS=shop"})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, l := range v.Lines() {
		found[l.Name] = l.Value + " " + strings.TrimPrefix(l.From, path)
		if strings.Contains(l.Value, "hush") {
			t.Errorf("a secret is shown: %v", l)
		}
	}
	for name, want := range map[string]string{
		"pos": "shop SHOP_POS", "level": "high :1:8: level", "client-key": "(set) --client-key", "watch": "false default",
		"grace": "4s default", "to": "http://me:xxxxx@site.example/ --to", "sites[0].pos": "b :3:10: pos", "sites[0].hosts": " default",
	} {
		if found[name] != want {
			t.Errorf("%s is %q, want %q", name, found[name], want)
		}
	}
}

// FuzzClean: what is left of a value has nothing unseen around or in it, and is
// left alone the next time.
func FuzzClean(f *testing.F) {
	for _, seed := range []string{"shop", "\ufeff shop\r\n", `"shop"`, "a\x00b", "“a”", "\xff", " ' '"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, path := range []bool{false, true} {
			once, err := clean(text, path)
			if err != nil {
				if once != "" {
					t.Errorf("%q is refused and used", text)
				}
				continue
			}
			if !strings.Contains(text, once) || strings.TrimSpace(once) != once || strings.ContainsAny(once, "\x00\r\n") {
				t.Errorf("%q becomes %q", text, once)
			}
			if twice, err := clean(once, path); err != nil || twice != once {
				t.Errorf("%q becomes %q, then %q (%v)", text, once, twice, err)
			}
		}
	})
}

// FuzzFile: whatever the file holds, it is read or refused with a place.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		"", "---\n", "~", "pos: a\npos: b\n", "sites:\n  - pos: a\n", "sites: [[a]]\n", "? [a]\n: b\n", "paths: [a, ~, {b: c}]\n",
		"a: &x b\npos: *x\n", "<<: {pos: a}\n", "wait: 1e3\n", "pos: |\n  a\n  b\n", "\ufeffpos: a\r\n", "rules: \"\"\n", "watch:\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "shop.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		v, err := shop.Load("serve", map[string]string{"config": path}, nil)
		if err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", text, err)
		}
		for _, l := range v.Lines() {
			if l.Name == "pos" && strings.ContainsAny(l.Value, "\x00\n") {
				t.Errorf("%q makes %q", text, l.Value)
			}
		}
	})
}
