import { render } from "preact";
import { App } from "./app.js";
import { readForever } from "./live.js";
import "uplot/dist/uPlot.min.css";
import "./style.css";
import "./style-parts.css";
import "./style-views.css";

const root = document.getElementById("app");
if (root !== null) render(<App />, root);
void readForever();
