"use strict";

function target() {
  return document.getElementById(decodeURIComponent(location.hash.slice(1)));
}

// Drawing the operations pushes the error codes down. Until the reader does something, the one that the address
// names is kept in sight.
const drawing = new ResizeObserver(() => target()?.scrollIntoView());
drawing.observe(document.getElementById("api"));
for (const doing of ["keydown", "pointerdown", "touchstart", "wheel"]) {
  addEventListener(doing, () => drawing.disconnect(), { once: true, passive: true });
}

const ui = SwaggerUIBundle({
  url: "/docs/openapi.yaml",
  dom_id: "#api",
  // It takes any fragment for an operation's and would write over that of an error code.
  deepLinking: target() === null,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  // Nothing leaves this machine.
  validatorUrl: null,
  onComplete() {
    ui.preauthorizeApiKey("apiKey", "API_KEY");
  },
});
