#pragma once

namespace metalaudio {

/// Where a processor runs. automatic: the processor decides, by ToleranceConfiguration.
enum class Backend { automatic, cpu, cuda };

}  // namespace metalaudio
