// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-calibrate writes the ranges that it measured, and no fidelity that it did not.
#include "models/executors/onednn/kernels/isa.h"
#include "models/model.h"
#include "tests/models/temporary_folder.h"
#include "tests/models/tiny_models.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace anime
{
namespace
{

class Calibrate : public testing::Test
{
protected:
    /// The model that it makes of `file` and one grey photo, with oneDNN's own `cap` on what the CPU has.
    std::shared_ptr<const Model> calibrate(const Safetensors &file, const std::string &cap)
    {
        const std::string in = folder_.path() / "in.safetensors";
        const std::string out = folder_.path() / "out.safetensors";
        const std::string photo = folder_.path() / "photo.ppm";
        write_safetensors(in, file);
        std::ofstream(photo) << "P6 32 32 255\n" << std::string(3 * 32 * 32, '\x80');
        const std::string command =
            "DNNL_MAX_CPU_ISA=" + cap + " " ANIME_CALIBRATE " '" + in + "' '" + out + "' '" + photo + "'";
        EXPECT_EQ(std::system(command.c_str()), 0);
        return load_model(out);
    }

    test::TemporaryFolder folder_;
};

// A processor without these precisions measures neither of them, and what the file said of other ranges is
// gone.
TEST_F(Calibrate, KeepsNoFidelityOfEarlierRanges)
{
    Safetensors file = test::lite_model();
    file.metadata["fidelity.int8"] = "50.0";
    file.metadata["fidelity.bf16"] = "60.0";
    const auto model = calibrate(file, "AVX2");
    EXPECT_TRUE(model->calibrated);
    EXPECT_FALSE(model->fidelity.contains("int8") || model->fidelity.contains("bf16"));
    EXPECT_EQ(model->fidelity.contains("int8-paired"), onednn::isa().avx2)
        << "which x86-64 has with this cap";
    EXPECT_EQ(model->name, "tiny");
    EXPECT_EQ(model->licence, "CC0");
}

} // namespace
} // namespace anime
