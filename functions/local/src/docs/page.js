"use strict";

// The page grows while the operations are drawn, so what the address names has to be looked up again afterwards.
function showTarget() {
  document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

const ui = SwaggerUIBundle({
  url: "/docs/openapi.yaml",
  dom_id: "#api",
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  // Nothing leaves this machine.
  validatorUrl: null,
  onComplete() {
    ui.preauthorizeApiKey("apiKey", "API_KEY");
    requestAnimationFrame(showTarget);
  },
});
