"""Writes customers.csv: made-up customers from a fixed seed, so that the file is the project's own."""

import pathlib
import random


def main():
    dice = random.Random(20261121)
    lines = ["customer,tenure_months,monthly_spend,open_tickets,left"]
    for number in range(200):
        tenure, spend, tickets = dice.randint(1, 60), dice.randint(10, 100), dice.randint(0, 5)
        leaning = 1.2 - tenure / 20 + tickets * 0.7 - spend / 80
        lines.append(f"c-{number:04},{tenure},{spend},{tickets},{int(dice.gauss(leaning, 2.0) > 0)}")
    pathlib.Path(__file__).with_name("customers.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
