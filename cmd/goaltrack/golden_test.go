package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/internal/golden"
)

const goldenRoot = "../../testdata/golden"

// TestGoldenProxy: a settings file of any version starts the proxy that it started.
func TestGoldenProxy(t *testing.T) {
	golden.Kind{Name: "proxy", Write: func(t *testing.T, dir string) {
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(goldenRoot, "inputs", "proxy"))); err != nil {
			t.Fatal(err)
		}
	}, Read: readGoldenProxy}.Test(t, goldenRoot)
}

// readGoldenProxy tells what each settings file in dir gives, and the configuration
// that comes of it.
func readGoldenProxy(t *testing.T, dir string) golden.Texts {
	files, err := filepath.Glob(filepath.Join(dir, "goaltrack*.yaml"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%d settings files (%v)", len(files), err)
	}
	meaning := map[string]map[string]any{}
	for _, file := range files {
		p := &proxyProgram{}
		v, err := proxyValues([]string{"--config", file}, noEnv)
		if err = errors.Join(err, p.check(v, nil)); err != nil {
			t.Fatal(err)
		}
		texts := map[string]string{}
		for name, text := range givenIn(v, file) {
			texts[name] = strings.TrimPrefix(text, dir+string(filepath.Separator))
		}
		meaning[filepath.Base(file)] = map[string]any{"settings": texts, "config": configured(p)}
	}
	text, err := json.MarshalIndent(meaning, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return golden.Texts{"meaning.json": string(text) + "\n"}
}

// configured tells what the library is told, field by field: fields of later
// versions change nothing here.
func configured(p *proxyProgram) map[string]any {
	c := &p.config
	var sites []string
	for _, s := range c.Sites {
		sites = append(sites, fmt.Sprintf("name=%s hosts=%v prefix=%s cdp=%s language=%s currency=%s channel=%s zone=%s session=%v",
			s.Name, s.Hosts, s.PathPrefix, tenantIn(s.CDP), s.Language, s.Currency, s.Channel, s.TimeZone, s.SessionLength))
	}
	var keys []string
	for _, k := range c.Keys {
		keys = append(keys, fmt.Sprintf("%x,%x", k.Hash, k.Block))
	}
	d := &c.Delivery
	return map[string]any{
		"target": p.target.String(), "sites": sites, "goals": c.Rules.Names(), "views": c.Views, "create": c.Cookie.Create,
		"cookieDomain": c.Cookie.Domain, "requireConsent": c.RequireConsent, "consentHoldBy": c.ConsentHoldBy,
		"consent": answersOf(p), "env": c.Env, "pathPrefix": c.PathPrefix, "staff": fmt.Sprint(c.Staff), "trustedProxies": fmt.Sprint(c.TrustedProxies),
		"keys": keys, "spool": fmt.Sprintf("%v %v required=%v perProcess=%v", d.Level, d.SpoolWait, d.SpoolRequired, d.SpoolPerProcess),
	}
}

// tenantIn is where a site's events go.
func tenantIn(site cdp.Site) string {
	switch c := site.(type) {
	case cdp.Direct:
		return fmt.Sprintf("direct(%s%s %s %s)", c.Region, c.BaseURL, c.ClientKey, c.PointOfSale)
	case cdp.Edge:
		return fmt.Sprintf("edge(%s %s %s)", c.BaseURL, c.ContextID, c.SiteName)
	}
	return fmt.Sprintf("%T", site)
}

// answersOf tells what the consent reader makes of some cookies.
func answersOf(p *proxyProgram) map[string]string {
	if p.config.Consent == nil {
		return nil
	}
	answers := map[string]string{}
	for _, cookie := range []string{"", "consent=yes", "consent=no", "OptanonAlertBoxClosed=2026-01-02T03:04:05.678Z; OptanonConsent=groups=C0001%3A1%2CC0002%3A1%2CC0003%3A1%2CC0004%3A0"} {
		r := &http.Request{Header: http.Header{"Cookie": {cookie}}}
		answers[cookie] = p.config.Consent(r).String()
	}
	return answers
}

// givenIn are the settings that stand in the file itself, and not under sites:.
func givenIn(v *settings.Values, file string) map[string]string {
	given := map[string]string{}
	for _, line := range v.Lines() {
		if strings.HasPrefix(line.From, file+":") && !strings.Contains(line.Name, ".") {
			given[line.Name] = v.Written(line.Name)
		}
	}
	return given
}

// TestGoldenProxyIsWhole: the files that the next version's golden settings are made
// from give every setting there is.
func TestGoldenProxyIsWhole(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(goldenRoot, "inputs", "proxy", "goaltrack*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var given []string
	for _, file := range files {
		v, err := proxyValues([]string{"--config", file}, noEnv)
		if err != nil {
			t.Fatal(err)
		}
		given = slices.AppendSeq(given, maps.Keys(givenIn(v, file)))
	}
	for _, s := range table.Rows {
		if name := s.Name; slices.Contains(s.Commands, "proxy") && s.Kind != settings.Group && name != "config" && !slices.Contains(given, name) {
			t.Errorf("no file in inputs/proxy gives %s", name)
		}
	}
}
