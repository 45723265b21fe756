import { useState } from "preact/hooks";
import { hasToken, setToken } from "../api.js";

/** Asked for when the service answers 401. The token stays in this tab. */
export function TokenForm() {
  const [token, setText] = useState("");
  const enter = (event: Event): void => {
    event.preventDefault();
    setToken(token.trim());
    location.reload();
  };
  return (
    <form class="card narrow" onSubmit={enter}>
      <h1>A token is needed</h1>
      <p>This service lets in whoever has a bearer token. It is kept until this tab is closed.</p>
      {hasToken() ? <p class="alerts">The service did not accept the token.</p> : null}
      <label>
        Token
        <input
          type="password"
          autocomplete="off"
          required
          value={token}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit">Enter</button>
    </form>
  );
}
