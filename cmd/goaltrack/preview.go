package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/report/live"
	reportweb "github.com/goaltrack/goaltrack/report/web"
)

// previewKeySize is how many bytes the key of links has.
const previewKeySize = 32

// openPreview makes what explains to colleagues what becomes of their own requests. Only
// who may look at the pages of --admin can make a link, so there is none without them.
func openPreview(v *settings.Values, keys []goaltrack.Key, logger *slog.Logger) (*live.Preview, error) {
	if v.Text("admin") == "" {
		return nil, nil
	}
	key, err := previewKey(reportDir(v), keys)
	if err != nil {
		logger.Warn("the key of links for a preview cannot be kept, so a restart makes another", "error", err)
	}
	return live.NewPreview(key)
}

// previewKey is the first of the site's keys, which all its instances have. Without keys it
// is made once, and kept beside the report.
func previewKey(dir string, keys []goaltrack.Key) (key []byte, err error) {
	if len(keys) > 0 && len(keys[0].Hash) >= previewKeySize {
		return keys[0].Hash, nil
	}
	fresh := make([]byte, previewKeySize)
	_, _ = rand.Read(fresh) // it never fails
	if dir == "" {
		return fresh, nil
	}
	name := filepath.Join(dir, "preview.key")
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // The operator names it.
	if err == nil {
		_, err = f.Write(fresh)
		return fresh, errors.Join(err, f.Close())
	}
	if !errors.Is(err, os.ErrExist) {
		return fresh, err
	}
	kept, err := os.ReadFile(name) //nolint:gosec // It is ours.
	if err == nil && len(kept) != previewKeySize {
		err = fmt.Errorf("%s does not have %d bytes", name, previewKeySize)
	}
	if err != nil {
		return fresh, err
	}
	return kept, nil
}

// withPreview answers in front of a site what is for a preview.
func (p *proxyProgram) withPreview(site http.Handler) http.Handler {
	if p.preview == nil {
		return site
	}
	zone := time.UTC
	if len(p.config.Sites) > 0 && p.config.Sites[0].TimeZone != "" {
		if at, err := web.LoadZone(p.config.Sites[0].TimeZone); err == nil {
			zone = at
		}
	}
	return reportweb.Preview(p.preview, zone, site)
}
