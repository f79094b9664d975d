// Shows the description of the API; everything it loads is served from here.
window.addEventListener("DOMContentLoaded", () => {
  SwaggerUIBundle({
    url: "/api/v1/openapi.json",
    domNode: document.getElementById("description"),
    deepLinking: true,
    validatorUrl: null,
  });
});
