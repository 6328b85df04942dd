"""Checks that fast_forward and time_only_forward agree with upstream's modules; run it after touching model.py."""
import torch

import model as m


def main() -> None:
    torch.manual_seed(0)
    for changes in ({}, {"bottom_channels": 0, "channels": 24}):
        net = m.build(**changes)
        for parameter in net.parameters():           # make every path count: layer scales start near zero
            parameter.data += 0.02 * torch.randn_like(parameter)
        net.train()
        mix = 0.1 * torch.randn(2, 2, 65536 + 512)
        with torch.no_grad():
            reference = net(mix)
            full, alone = m.fast_forward(net, mix)
            reference_alone = m.time_only_forward(net, mix)
        for name, a, b in (("full", full, reference), ("time-only", alone, reference_alone)):
            snr = 10 * torch.log10(b.square().sum() / (a - b).square().sum())
            print(f"{changes or 'shipped kwargs'}: {name} agrees to {snr:.1f} dB")
            assert snr > 90, "the fast path is wrong"
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
