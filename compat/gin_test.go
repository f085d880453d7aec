package compat

import (
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/goaltrack/goaltrack"
)

// TestGinAround puts goaltrack around gin, which has no adapter of its own for
// net/http's middleware.
func TestGinAround(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	play(t, func(tracker *goaltrack.Tracker) http.Handler {
		r := gin.New()
		r.POST("/api/signup", func(c *gin.Context) {
			if c.PostForm("email") == "" {
				c.AbortWithStatus(http.StatusBadRequest)
				return
			}
			c.JSON(http.StatusOK, gin.H{"ok": true})
		})
		r.POST("/contact", func(c *gin.Context) {
			if c.PostForm("email") == "" {
				c.Status(http.StatusUnprocessableEntity)
				return
			}
			c.Redirect(http.StatusSeeOther, "/thanks")
		})
		r.GET("/files/:name", func(c *gin.Context) {
			if c.Param("name") != "a.pdf" {
				c.Status(http.StatusNotFound)
				return
			}
			c.Data(http.StatusOK, "application/pdf", []byte("%PDF"))
		})
		return tracker.Handler(r)
	}, told)
}
