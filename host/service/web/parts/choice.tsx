interface ChoiceProps {
  readonly label: string;
  readonly options: readonly string[];
  readonly chosen: number;
  readonly onChoose: (index: number) => void;
}

/** One of a few, all of them to be seen. */
export function Choice({ label, options, chosen, onChoose }: ChoiceProps) {
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      {options.map((text, index) => (
        <button
          key={text}
          type="button"
          aria-pressed={index === chosen}
          onClick={() => onChoose(index)}
        >
          {text}
        </button>
      ))}
    </fieldset>
  );
}
